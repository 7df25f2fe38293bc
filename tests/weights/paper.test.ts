import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { constant, input } from '../../src/graph/index.ts';
import type { NamedTensor } from '../../src/io/dtypes.ts';
import { writeSafetensors } from '../../src/io/safetensors.ts';
import { openTensorFile } from '../../src/io/tensor-file.ts';
import { encode } from '../../src/models/encoder.ts';
import { maskTokens } from '../../src/nn/masking.ts';
import { type Model, modelParameters, openModel } from '../../src/weights/model.ts';
import { evaluate } from '../support/evaluate.ts';
import { foreignExpected, foreignFixture } from '../support/foreign-fixture.ts';
import { relativeError } from '../support/task-fixture.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();
const expected = await foreignExpected();
const options = { heads: 2, decoderHeads: 2 };
const open = (name: string) => openModel(foreignFixture(`paper/${name}.pth`), options);

/** All tokens, or the first four of an order. */
function tokens(model: Model, image: string, order?: string): number[] {
  const shapes = new Map(modelParameters(model).map(({ name, shape }) => [name, shape]));
  const weights = (name: string) => constant(model.weights[name]!, shapes.get(name)!);
  const masking = order ? maskTokens(input('order', expected.shape(order), 'i32'), 4) : undefined;
  const pixels = constant(expected.float(image), expected.shape(image));
  return evaluate(
    encode(model.encoder, weights, pixels, masking),
    order ? { order: expected.integers(order) } : {},
  );
}

describe.each(['blurred', 'decolorized', 'distorted', 'zoomed-in', 'zoomed-out'])(
  "the paper's code, %s",
  (name) => {
    it('has the same tokens, and every tensor of its encoder is used or ignored for a reason', async () => {
      const model = await open(name);
      expect(model).toMatchObject({
        source: 'paper',
        encoder: { image: [16, 16], classToken: false, positions: 'sincos1d' },
      });
      expect(relativeError(tokens(model, `${name}.image`), expected.float(`${name}.tokens`))).toBeLessThan(
        1e-5,
      );
      const unused = model.report.tensors.filter(({ fate }) => fate === 'ignored');
      for (const { reason } of unused) expect(reason).toBeTruthy();
      const ofEncoder = unused.map(({ tensor }) => tensor).filter((tensor) => tensor.startsWith('encoder.'));
      expect(ofEncoder).toEqual(name === 'zoomed-in' ? ['encoder.cls_token'] : []);
      if (name === 'decolorized') {
        expect(model.decoder).toBeUndefined();
        expect(unused.find(({ tensor }) => tensor === 'decoder.head.weight')!.reason).toBe(
          'a decoder that predicts 3 channels, for an encoder of 1',
        );
      } else expect(model.decoder!.decoder).toEqual({ width: 8, depth: 1, heads: 2 });
    });
  },
);

it.each(['zoomed-in', 'zoomed-out'])('%s has the same tokens where some are removed', async (name) => {
  const got = tokens(await open(name), `${name}.image`, `${name}.order`);
  expect(relativeError(got, expected.float(`${name}.masked`))).toBeLessThan(1e-5);
});

describe("class tokens of the paper's code", () => {
  /** The tensors of a file without its encoder's prefix, as an encoder saved alone or a fine-tuned model has them. */
  async function bare(change: (tensors: Map<string, NamedTensor>) => void = () => {}) {
    const file = await openTensorFile(foreignFixture('paper/zoomed-in.pth'));
    const names = [...file.tensors.keys()].filter((name) => name.startsWith('encoder.'));
    const tensors = new Map(
      [...(await file.read(names))].map(([name, each]) => [name.slice('encoder.'.length), each]),
    );
    change(tensors);
    const path = join(folder, 'bare.safetensors');
    await writeSafetensors(path, tensors);
    return openModel(path, options);
  }
  const zeros = (...shape: number[]): NamedTensor => ({
    dtype: 'F32',
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
  });

  it('are ignored in an encoder saved alone', async () => {
    const model = await bare();
    expect(model.encoder.classToken).toBe(false);
    expect(model.report.tensors.find(({ tensor }) => tensor === 'cls_token')).toMatchObject({
      fate: 'ignored',
      reason: "declared by the paper's zoomed-in encoder, which never uses it",
    });
  });

  it('are used by a classifier with learned positions, and refused in one that cannot run', async () => {
    const head = (tensors: Map<string, NamedTensor>) =>
      tensors.set('head.weight', zeros(3, 8)).set('head.bias', zeros(3));
    const learned = await bare((tensors) => head(tensors).set('pos_embed', zeros(1, 17, 8)));
    expect(learned).toMatchObject({ encoder: { classToken: true }, classifier: { pooling: 'token' } });
    await expect(bare(head)).rejects.toThrow('a class token that has no position');
  });
});
