import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openOnnxEngine } from '../src/engines/onnx/engine.ts';
import { referenceEngine } from '../src/engines/reference/engine.ts';
import { attentionProgram, featureProgram } from '../src/programs/features.ts';
import { openModel } from '../src/weights/model.ts';
import { readFixture } from './support/fixture.ts';

const fixtures = fileURLToPath(new URL('./fixtures/', import.meta.url));
const { float, ints, shape, names } = await readFixture('tokens');
const normalisation = { mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.4] };
const models = [
  ['timm-token', 'weights/timm-token.safetensors', 2],
  ['timm-mean', 'weights/timm-mean.safetensors', 2],
  ['timm-unplaced-token', 'weights/timm-unplaced-token.safetensors', 2],
  ['hf-vit', 'weights/hf-vit', undefined],
  ['beit', 'beit/classification', undefined],
] as const;

describe.each([
  ['reference', async () => referenceEngine, 2e-6],
  ['onnx', () => openOnnxEngine({ threads: 1 }), 2e-5],
] as const)('tokens on %s', (_, open, tolerance) => {
  /** Largest difference, relative to the largest value. */
  const difference = (got: Float32Array, wanted: Float32Array) => {
    expect(got.length).toBe(wanted.length);
    const most = wanted.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    return got.reduce((largest, value, i) => Math.max(largest, Math.abs(value - wanted[i]!)), 0) / most;
  };

  it.each(models)('%s has the tokens and the attention of its package', async (name, file, heads) => {
    const image = heads && ([16, 16] as const); // timm's files without a config name neither
    const model = await openModel(`${fixtures}${file}`, { heads, image });
    const { encoder } = model;
    const session = await (await open()).open(model.weights);
    const view = Uint8Array.from(ints(`${name}.view`));
    try {
      const config = { ...encoder, pooling: 'patch', fcNorm: model.classifier?.fcNorm ?? false } as const;
      const { features } = await session.run(featureProgram(config, normalisation, 2), { view });
      expect(difference(features as Float32Array, float(`${name}.patches`))).toBeLessThan(tolerance);

      const blocks = names.filter((each) => each.startsWith(`${name}.attention.`)).length;
      expect(blocks).toBe(encoder.depth);
      for (let block = 0; block < blocks; block++) {
        const whole = float(`${name}.attention.${block}`);
        const [, , tokens] = shape(`${name}.attention.${block}`) as [number, number, number, number];
        for (const token of [0, tokens - 1, 2]) {
          const program = attentionProgram(encoder, normalisation, 2, { block, token });
          const { attention } = await session.run(program, { view });
          const wanted = whole.filter((_, i) => Math.floor(i / tokens) % tokens === token);
          expect(
            difference(attention as Float32Array, wanted),
            `block ${block}, token ${token}`,
          ).toBeLessThan(tolerance);
        }
      }
    } finally {
      await session.dispose();
    }
  });

  it('a block that does not exist is refused', async () => {
    const { encoder } = await openModel(`${fixtures}weights/hf-vit`);
    for (const block of [-1, 2, 0.5])
      expect(() => attentionProgram(encoder, normalisation, 1, { block, token: 0 })).toThrow(
        `a block must be one of 1 to 2, got ${block + 1}`,
      );
  });
});
