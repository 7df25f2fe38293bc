import { beforeAll, describe, expect, it } from 'vitest';
import { normals, seed } from '../../../../tests/support/random.ts';
import { openCpuXla } from '../../../../tests/support/xla.ts';
import {
  add,
  attention,
  constant,
  gelu,
  grad,
  input,
  layerNorm,
  linear,
  matmul,
  program,
  square,
  sumAll,
} from '../../../graph/index.ts';
import { rng } from '../../../random/rng.ts';
import { evaluateProgram } from '../../reference/evaluate.ts';
import type { XlaEngine } from '../engine.ts';
import { lower } from './lower.ts';

const x = input('x', [6, 8]);
const weight = input('weight', [8, 8]);
const norm = input('norm', [8]);
const shift = input('shift', [8]);

describe(`mixed precision (SEED=${seed})`, () => {
  const q = input('q', [2, 2, 5, 4]);
  const k = input('k', [2, 2, 5, 4]);
  const v = input('v', [2, 2, 5, 4]);
  const hidden = add(x, gelu(linear(layerNorm(x, norm, shift), weight)));
  const loss = add(sumAll(square(hidden)), sumAll(square(attention(q, k, v))));
  const names = { x, weight, norm, q, k, v };
  const gradients = grad(loss, Object.values(names));
  const outputs = Object.fromEntries(Object.keys(names).map((name, i) => [`grad:${name}`, gradients[i]!]));
  const step = program('step', { loss, ...outputs });
  let engine: XlaEngine;
  beforeAll(async () => {
    engine = await openCpuXla({ precision: 'bf16' });
  });

  it('is close to float32, and not the same', async () => {
    const random = rng(seed, 'precision');
    const values = Object.fromEntries(
      Object.entries(step.inputs).map(([name, { shape }]) => [
        name,
        normals(
          random,
          shape.reduce((a, b) => a * b),
        ),
      ]),
    );
    const truth = evaluateProgram(step, values);
    const session = await engine.open({});
    const got = await session.run(step, values);
    await session.dispose();
    for (const [name, expected] of Object.entries(truth)) {
      const largest = Math.max(...Array.from(expected, Math.abs));
      const apart = Math.max(...Array.from(expected, (y, i) => Math.abs(y - got[name]![i]!)));
      expect(apart / largest, name).toBeLessThan(0.03); // a few roundings to 8 bits
      if (name !== 'loss') expect(apart / largest, name).toBeGreaterThan(1e-6);
    }
  });

  it('computes products in bfloat16 and all else in float32', () => {
    const lines = lower(step, 'step', { precision: 'bf16' }).text.split('\n');
    const of = (operation: string) => lines.filter((line) => line.includes(`stablehlo.${operation}`));
    const products = of('dot_general');
    expect(products.length).toBe(9);
    for (const line of products)
      expect(line.match(/\(tensor<[^>]*xbf16>, tensor<[^>]*xbf16>\)/), line).toBeTruthy();
    for (const line of [...of('reduce('), ...of('exponential'), ...of('divide'), ...of('sqrt')])
      expect(line, line).not.toContain('bf16');
    // Outputs and inputs of a softmax are not rounded.
    const exact = products.filter((line) => line.endsWith('xf32>'));
    expect(exact.length).toBeGreaterThanOrEqual(5);
  });

  it('rounds gradients of weight matrices on request, and no others', () => {
    const made = (gradients: 'f32' | 'bf16') =>
      lower(step, 'step', { precision: 'bf16', gradients })
        .text.split('\n')
        .filter((line) => line.includes('dot_general') && line.endsWith('xf32>'));
    // The gradients of the layer's weight and of q, k and v, all outputs. Inputs of a softmax and sums stay exact.
    expect(made('f32').filter((line) => !made('bf16').includes(line))).toHaveLength(4);
    const text = lower(step, 'step', { precision: 'bf16', gradients: 'bf16' }).text;
    for (const line of text.split('\n').filter((each) => each.includes('stablehlo.reduce(')))
      expect(line).not.toContain('bf16');
  });

  it('leaves products with constants alone: they resize targets', () => {
    const y = matmul(
      constant(
        Float32Array.from({ length: 12 }, (_, i) => i),
        [2, 6],
      ),
      x,
    );
    expect(lower(program('resize', { y }), 'resize', { precision: 'bf16' }).text).not.toContain('bf16');
  });

  it('changes nothing by default', () => {
    expect(lower(step, 'step').text).not.toContain('bf16');
  });
});
