import type { Operation } from '../../../graph/tensor.ts';
import type { Rule } from '../stablehlo/rule.ts';
import { kernelCall } from './call.ts';
import { type KernelWriter, powerOfTwo, type Tile } from './kernel-writer.ts';

/** softmax(scale · q kᵀ) · v for few tokens, all of a head in one tile. Inputs [B, N, h, d]; output [B, N, h, d]. */
export const attentionKernel: Operation = {
  name: 'attentionKernel',
  role: 'product',
  infer: ([q]) => [q!],
  vjp: null,
};

/**
 * Gradients of q, k and v. Inputs: these and dy [B, N, h, d]. Outputs: the gradients side by side [B, N, 3·h·d], as the
 * layer before reads them, and their sums over the tokens of each sample [B, 3·h·d]. Computes the weights of attention
 * once more, which costs less than reading them.
 */
export const attentionGradKernel: Operation = {
  name: 'attentionGradKernel',
  role: 'product',
  infer: ([q]) => {
    const [batch, tokens, heads, features] = q!.shape as [number, number, number, number];
    const width = 3 * heads * features;
    return [
      { shape: [batch, tokens, width], dtype: 'f32' },
      { shape: [batch, width], dtype: 'f32' },
    ];
  },
  vjp: null,
};

/** True if queries and keys are the same few tokens and the features of a head fill a tile. */
export const fitsTile = ({ queries, keys, features }: { queries: number; keys: number; features: number }) =>
  queries === keys && keys <= 64 && [16, 32, 64, 128].includes(features);

interface Head {
  readonly shape: readonly number[];
  /** Offsets of a sample's and head's values in [B, N, h, d]. */
  readonly at: Tile;
  readonly sample: Tile;
  readonly head: Tile;
  readonly token: Tile;
  readonly feature: Tile;
  /** Valid tokens, as a column. */
  readonly inside: Tile;
}

export const attentionKernelRules: Readonly<Record<string, Rule>> = {
  attentionKernel: (writer, { attributes: { scale } }, operands) => {
    const { shape } = operands[0]!;
    return kernelCall(writer, {
      name: 'attention',
      grid: [shape[0]!, shape[2]!],
      warps: 4,
      operands,
      results: [{ shape, type: 'bf16' }],
      write: (k, pointers) => {
        const head = headOf(k, shape);
        const [q, key, v] = pointers.slice(0, 3).map((from) => k.load(from, head.at, head.inside));
        const weights = softmax(k, head, q!, key!, scale);
        k.store(pointers[3]!, head.at, k.dot(k.convert(weights, 'bf16'), v!), head.inside);
      },
    });
  },
  attentionGradKernel: (writer, { attributes: { scale } }, operands) => {
    const { shape } = operands[0]!;
    const [batch, tokens, heads, features] = shape as [number, number, number, number];
    const width = heads * features;
    return kernelCall(writer, {
      name: 'attention_grad',
      grid: [batch, heads],
      warps: 4,
      operands,
      results: [
        { shape: [batch, tokens, 3 * width], type: 'bf16' },
        { shape: [batch, 3 * width], type: 'f32' },
      ],
      write: (k, pointers) => {
        const head = headOf(k, shape);
        const [q, key, v, dy] = pointers.slice(0, 4).map((from) => k.load(from, head.at, head.inside));
        const weights = softmax(k, head, q!, key!, scale);
        const dWeights = k.dot(dy!, k.transpose(v!));
        const along = k.as('column', k.reduce(k.mul(weights, dWeights), 1, 'add'));
        const dScores = k.convert(k.mul(k.mul(weights, k.sub(dWeights, along)), scale), 'bf16');
        const gradients = [
          k.dot(dScores, key!),
          k.dot(k.transpose(dScores), q!),
          k.dot(k.transpose(k.convert(weights, 'bf16')), dy!),
        ];
        const place = k.add(k.mul(head.head, features), head.feature);
        const row = k.add(k.mul(head.sample, tokens), head.token);
        const at = k.add(k.mul(k.as('column', row), 3 * width), k.as('row', place));
        gradients.forEach((gradient, i) => {
          const rounded = k.convert(gradient, 'bf16');
          k.store(pointers[4]!, k.add(at, i * width), rounded, head.inside);
          const sum = k.reduce(k.select(head.inside, k.convert(rounded, 'f32'), 0), 0, 'add');
          k.store(pointers[5]!, k.add(k.add(k.mul(head.sample, 3 * width), place), i * width), sum);
        });
      },
    });
  },
};

/** The part of [B, N, h, d] that a program of the grid (samples, heads) computes. */
function headOf(k: KernelWriter, shape: readonly number[]): Head {
  const [, tokens, heads, features] = shape as [number, number, number, number];
  const [sample, head] = [k.program('x'), k.program('y')];
  const token = k.range(Math.max(16, powerOfTwo(tokens)));
  const feature = k.range(features);
  const row = k.add(k.mul(k.add(k.mul(sample, tokens), token), heads), head);
  const at = k.add(k.mul(k.as('column', row), features), k.as('row', feature));
  return { shape, at, sample, head, token, feature, inside: k.as('column', k.less(token, tokens)) };
}

/** softmax(scale · q kᵀ) over the valid tokens. */
function softmax(k: KernelWriter, { shape, token }: Head, q: Tile, key: Tile, scale: number): Tile {
  const scores = k.mul(k.dot(q, k.transpose(key)), scale * Math.LOG2E);
  const valid = k.select(k.as('row', k.less(token, shape[1]!)), scores, Number.NEGATIVE_INFINITY);
  const powers = k.exp2(k.sub(valid, k.as('column', k.reduce(valid, 1, 'max'))));
  return k.div(powers, k.as('column', k.reduce(powers, 1, 'add')));
}
