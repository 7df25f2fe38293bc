import { describe, expect, it } from 'vitest';
import { evaluateWithKernels } from '../../../../tests/support/evaluate-with-kernels.ts';
import { normals, seed } from '../../../../tests/support/random.ts';
import {
  attention,
  conv,
  gelu,
  grad,
  input,
  layerNorm,
  type Program,
  program,
  type Tensor,
} from '../../../graph/index.ts';
import { add, mul } from '../../../graph/operations/elementwise.ts';
import { sumAll } from '../../../graph/operations/reduce.ts';
import { optimise } from '../../../graph/passes/optimise.ts';
import { sizeOf, type Values } from '../../../graph/tensor.ts';
import { rng } from '../../../random/rng.ts';
import { evaluateNode, evaluateProgram } from '../../reference/evaluate.ts';
import { kernelTrial } from '../kernel-check.ts';
import { fusedAttention } from '../stablehlo/fused-attention.ts';
import { lower } from '../stablehlo/lower.ts';
import { kept } from '../stablehlo/precision.ts';
import { withKernels } from './with-kernels.ts';

/** The sum of the products of y and random numbers, and its gradients. */
function withGradients(y: Tensor, of: readonly Tensor[]): Program {
  const gradients = grad(sumAll(mul(y, input('dy', y.shape))), of);
  return program('trial', { y, ...Object.fromEntries(gradients.map((dx, i) => [`gradient ${i}`, dx!])) });
}

/** Rows through GELU and a norm with a residual sum. Biases stand before both, so that gradients are summed over rows. */
function rows(count: number, width: number): Program {
  const x = input('x', [count, width]);
  const vectors = ['before', 'after', 'weight', 'bias'].map((name) => input(name, [width]));
  const [before, after, weight, bias] = vectors as [Tensor, Tensor, Tensor, Tensor];
  const residual = add(gelu(add(x, before)), after);
  return withGradients(add(residual, layerNorm(residual, weight, bias)), [x, ...vectors]);
}

function attended(tokens: number, features: number): Program {
  const parts = ['q', 'k', 'v'].map((name) => input(name, [2, 3, tokens, features]));
  const [q, k, v] = parts as [Tensor, Tensor, Tensor];
  return withGradients(attention(q, k, v, 1 / Math.sqrt(features)), parts);
}

function kernelsOf(of: Program): Program {
  const decompositions = fusedAttention('fused', true);
  return withKernels(optimise(of, { keep: kept, evaluate: evaluateNode, decompositions }));
}

function expectAlike(of: Program, kernels: number): void {
  const random = rng(seed);
  const feeds: Values = Object.fromEntries(
    Object.entries(of.inputs).map(([name, { shape }]) => [name, normals(random, sizeOf(shape), 1.5)]),
  );
  const truth = evaluateProgram(of, feeds);
  const got = evaluateWithKernels(kernelsOf(of), feeds);
  expect(got.kernels).toBe(kernels);
  for (const [name, values] of Object.entries(truth)) {
    const expected = Array.from(values as Float64Array);
    const largest = Math.max(1, ...expected.map(Math.abs));
    const apart = Math.max(...expected.map((value, i) => Math.abs(value - got.values[name]![i]!)));
    // Kernels round to bfloat16, 8 bits, after each of their few steps.
    expect(apart / largest, `${name} (SEED=${seed})`).toBeLessThan(0.02);
  }
}

describe('programs with kernels give what the same programs give without', () => {
  for (const [count, width] of [
    [1, 1],
    [5, 24],
    [3, 513],
    [801, 40],
    [2, 1100],
  ] as const)
    it(`${count} rows of ${width} features`, () => expectAlike(rows(count, width), 4));

  for (const [tokens, features] of [
    [1, 16],
    [7, 32],
    [16, 16],
    [49, 64],
    [64, 16],
  ] as const)
    it(`attention of ${tokens} tokens with ${features} features`, () =>
      expectAlike(attended(tokens, features), 2));
});

describe('banks of filters', () => {
  for (const [images, channels, out, height, width, tall, wide, padding] of [
    [2, 3, 3, 9, 12, 7, 7, 3],
    [3, 1, 2, 5, 300, 3, 1, 0],
    [2, 4, 1, 6, 5, 2, 4, 1],
  ] as const)
    it(`${images} × ${channels} to ${out} channels of ${height} × ${width}`, () => {
      const x = input('x', [1, images * channels, height, width]);
      const filters = input('filters', [images * out, channels, tall, wide]);
      const options = {
        padding: [
          [padding, padding],
          [padding, 0],
        ] as const,
        groups: images,
      };
      expectAlike(program('trial', { y: conv(x, filters, options) }), 1);
    });
});

it('kernels are not used where they do not fit', () => {
  for (const of of [attended(65, 16), attended(8, 24)])
    expect(textOf(of, true)).not.toContain('xla.gpu.triton');
  expect(textOf(rows(2, 4097), true)).not.toContain('layer_norm');
  expect(textOf(rows(2, 8), false)).not.toContain('xla.gpu.triton');
  expect(lower(rows(2, 8), 'rows', { precision: 'f32', kernels: true }).text).not.toContain('xla.gpu.triton');
});

it('no pass reads results for the sums over their rows', () => {
  const { text } = lower(rows(1000, 64), 'rows', { precision: 'bf16', kernels: true });
  const reduced = [...text.matchAll(/stablehlo\.reduce.*: \(tensor<(\d+)x/g)].map(([, count]) =>
    Number(count),
  );
  expect(reduced.filter((count) => count === 1000)).toEqual([]);
  expect(reduced).toContain(784); // partial sums of the norm
  expect(reduced).toContain(256); // and of GELU
});

it('a trial has each kernel of its program', () => {
  const { trial, inputs } = kernelTrial(rows(2, 48))!;
  expect(Object.keys(trial.inputs).sort()).toEqual(Object.keys(inputs()).sort());
  const names = [...textOf(trial, true).matchAll(/name = "(\w+)"/g)].map(([, name]) => name);
  expect(names.sort()).toEqual(['gelu', 'gelu_grad', 'layer_norm', 'layer_norm_grad']);
  expect(kernelTrial(attended(65, 16))).toBeUndefined();
  expect(Object.keys(kernelTrial(attended(7, 16))!.trial.outputs)).toHaveLength(4);
});

function textOf(of: Program, kernels: boolean): string {
  return lower(of, 'main', { precision: 'bf16', attention: 'fused', kernels }).text;
}
