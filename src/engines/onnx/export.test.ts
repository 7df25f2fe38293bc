import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { fc, normals, whole } from '../../../tests/support/random.ts';
import {
  broadcast,
  concat,
  gather,
  gelu,
  input,
  layerNorm,
  linear,
  matmul,
  type Program,
  program,
  reshape,
  sizeOf,
  softmax,
  sum,
  transpose,
  type Values,
} from '../../graph/index.ts';
import { type Rng, rng } from '../../random/rng.ts';
import { evaluateProgram } from '../reference/evaluate.ts';
import { exportGraph, exportVersion } from './export.ts';
import { encodeModel } from './proto.ts';

/** A program with every operation of a model's graph, in sizes that differ; `values` are its weights. */
function example(random: Rng): { build: (batch: number) => Program; values: Values; shape: number[] } {
  const [tokens, width, out] = [whole(random, 1, 5), whole(random, 2, 5), whole(random, 1, 4)];
  const shapes = { weight: [out * 2, width], token: [1, 1, width], scale: [width], shift: [width] };
  const entries = Object.entries(shapes);
  const values = Object.fromEntries(entries.map(([name, shape]) => [name, normals(random, sizeOf(shape))]));
  const alpha = random.uniform(0.5, 2);
  const build = (batch: number) => {
    const [weight, token, scale, shift] = entries.map(([name, shape]) => input(name, shape));
    const x = input('x', [batch, tokens, width]);
    const all = concat([broadcast(token!, [batch, 1, width]), x], 1); // [B, 1 + N, D]
    const normal = gelu(layerNorm(all, scale!, shift!));
    const scores = softmax(matmul(normal, all, { transposeB: true, alpha })); // [B, 1 + N, 1 + N]
    const mixed = matmul(scores, normal, { transposeA: true });
    const cut = reshape(linear(mixed, weight!), [batch, 1 + tokens, 2, out]);
    return program('example', {
      'y:0': transpose(cut, [2, 0, 3, 1]),
      total: reshape(sum(x, [1, 2]), [batch]),
    });
  };
  return { build, values, shape: [tokens, width] };
}

it("has a dynamic batch and the reference's results, in standard operators", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const random = rng(seed);
      const { build, values, shape } = example(random);
      const graph = exportGraph(build, values);
      expect(graph.nodes.filter(({ domain }) => domain !== '')).toEqual([]);
      expect(graph.inputs).toEqual([{ name: 'x', elemType: 1, shape: ['batch', ...shape] }]);
      expect(graph.outputs.map((value) => value.shape.indexOf('batch'))).toEqual([1, 0]);
      const session = await InferenceSession.create(encodeModel(graph, exportVersion));
      for (const batch of [1, whole(random, 2, 7)]) {
        const x = normals(random, batch * sizeOf(shape));
        const got = await session.run({ x: new Tensor('float32', x, [batch, ...shape]) });
        const expected = evaluateProgram(build(batch), { ...values, x });
        for (const [name, tensor] of Object.entries(build(batch).outputs)) {
          expect(got[name]!.dims).toEqual(tensor.shape);
          const truth = expected[name]!;
          const apart = (got[name]!.data as Float32Array).map((value, i) => Math.abs(value - truth[i]!));
          expect(Math.max(...apart)).toBeLessThan(1e-5 * Math.max(1, ...truth.map(Math.abs)));
        }
      }
    }),
    { numRuns: 10 },
  );
});

it.each<[string, (batch: number) => Program, string]>([
  [
    'whose operators know the batch',
    (batch) => program('rows', { y: gather(input('x', [batch, 3, 2]), input('at', [batch, 2], 'i32')) }),
    "a model's batch must be dynamic, but",
  ],
  [
    'without a batch',
    () => program('fixed', { y: gelu(input('x', [3, 2])) }),
    'program "fixed" must have the batch as an input\'s first side',
  ],
  [
    'that repeats something along a multiple of it',
    (batch) => {
      const row = reshape(input('x', [batch, 3]), [1, 3 * batch]);
      return program('wider', { y: broadcast(row, [2, 3 * batch]) });
    },
    "a model's batch must be dynamic, but",
  ],
])('refuses a program %s', (_, build, message) => {
  expect(() => exportGraph(build, {})).toThrow(message);
});
