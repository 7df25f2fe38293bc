import { expect, it } from 'vitest';
import { evaluate } from '../../tests/support/evaluate.ts';
import { normals, withRandom } from '../../tests/support/random.ts';
import { relativeError } from '../../tests/support/task-fixture.ts';
import { erf } from '../engines/reference/erf.ts';
import { constant, grad, input, mul, sizeOf, sumAll } from '../graph/index.ts';
import type { Rng } from '../random/rng.ts';
import { crossBlock, crossBlockParameters } from './cross-block.ts';

const [width, keyWidth, heads, hidden] = [6, 4, 2, 9] as const;
const specs = crossBlockParameters('b', width, keyWidth, 1.5);

const randomWeights = (random: Rng): Record<string, Float32Array> =>
  Object.fromEntries(specs.map(({ name, shape }) => [name, normals(random, sizeOf(shape))]));

type Row = readonly number[];

/** The block on one image, token by token. */
function naive(x: readonly Row[], context: readonly Row[], weights: Record<string, Float32Array>): Row[] {
  const at = (name: string) => weights[`b.${name}`]!;
  const linear = (row: Row, name: string) =>
    Array.from(at(`${name}.bias`), (bias, i) =>
      row.reduce((sum, value, j) => sum + value * at(`${name}.weight`)[i * row.length + j]!, bias),
    );
  const norm = (row: Row, name: string) => {
    const mean = row.reduce((a, b) => a + b) / row.length;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
    return row.map(
      (value, i) =>
        ((value - mean) / Math.sqrt(variance + 1e-6)) * at(`${name}.weight`)[i]! + at(`${name}.bias`)[i]!,
    );
  };
  const known = context.map((row) => linear(row, 'cross_attn.kv'));
  return x.map((row) => {
    const query = linear(norm(row, 'norm1'), 'cross_attn.q');
    const found = query.map((_, i) => {
      const size = width / heads;
      const first = Math.floor(i / size) * size;
      const scores = known.map((key) => {
        const bias = at('cross_attn.kv.bias'); // keys have no bias
        let score = 0;
        for (let j = first; j < first + size; j++) score += query[j]! * (key[j]! - bias[j]!);
        return Math.exp(score / Math.sqrt(size));
      });
      const sum = scores.reduce((a, b) => a + b);
      return known.reduce((value, key, n) => value + (scores[n]! / sum) * key[width + i]!, 0);
    });
    const y = linear(found, 'cross_attn.proj').map((value, i) => value + row[i]!);
    const wide = linear(norm(y, 'norm2'), 'mlp.fc1').map((v) => (v / 2) * (1 + erf(v / Math.SQRT2)));
    return linear(wide, 'mlp.fc2').map((value, i) => value + y[i]!);
  });
}

it('lets each token ask the context alone', () => {
  withRandom(5, (random) => {
    const weights = randomWeights(random);
    const shapes = new Map(specs.map(({ name, shape }) => [name, shape]));
    expect(shapes.get('b.mlp.fc1.weight')).toEqual([hidden, width]);
    const [x, context] = [normals(random, 2 * 3 * width), normals(random, 2 * 5 * keyWidth)];
    const y = crossBlock(
      constant(x, [2, 3, width]),
      constant(context, [2, 5, keyWidth]),
      (name) => constant(weights[name]!, shapes.get(name)!),
      'b',
      heads,
    );
    const rows = (values: Float32Array, size: number, b: number, count: number) =>
      Array.from({ length: count }, (_, i) => [...values.slice((b * count + i) * size).slice(0, size)]);
    const expected = [0, 1].flatMap((b) =>
      naive(rows(x, width, b, 3), rows(context, keyWidth, b, 5), weights).flat(),
    );
    expect(relativeError(evaluate(y), expected)).toBeLessThan(1e-7);
  });
});

it('has no bias of keys, whatever is stored', () => {
  withRandom(3, (random) => {
    const weights = new Map(specs.map(({ name, shape }) => [name, input(name, shape)]));
    const values = randomWeights(random);
    const tokens = (count: number, size: number) => constant(normals(random, count * size), [1, count, size]);
    const y = crossBlock(tokens(2, width), tokens(3, keyWidth), (name) => weights.get(name)!, 'b', heads);
    const bias = 'b.cross_attn.kv.bias';
    const slopes = evaluate(grad(sumAll(mul(y, y)), [weights.get(bias)!])[0]!, values);
    expect(slopes.slice(0, width).map(Math.abs)).toEqual(new Array(width).fill(0));
    expect(slopes.slice(width).every((slope) => slope !== 0)).toBe(true);
    const before = evaluate(y, values);
    values[bias] = values[bias]!.map((value, i) => (i < width ? value + 1 : value));
    expect(evaluate(y, values)).toEqual(before);
  });
});
