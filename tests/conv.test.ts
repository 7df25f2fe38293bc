import { describe, expect, it } from 'vitest';
import type { Engine } from '../src/engines/engine.ts';
import { openOneDnnEngine } from '../src/engines/onednn/engine.ts';
import { openOnnxEngine } from '../src/engines/onnx/engine.ts';
import { referenceEngine } from '../src/engines/reference/engine.ts';
import { evaluateProgram } from '../src/engines/reference/evaluate.ts';
import { programFlops } from '../src/graph/flops.ts';
import {
  add,
  type ConvOptions,
  conv,
  grad,
  input,
  mul,
  type Program,
  program,
  type Shape,
  sumAll,
  type Tensor,
} from '../src/graph/index.ts';
import { rng } from '../src/random/rng.ts';
import { readFixture } from './support/fixture.ts';
import { isMissing, oneDnnFolder } from './support/libraries.ts';
import { normals, seed } from './support/random.ts';
import { relativeError } from './support/task-fixture.ts';
import { openCpuXla } from './support/xla.ts';

const fixture = await readFixture('conv');
const cases = fixture.metadata('cases') as ConvOptions[];

const engines: Record<string, () => Promise<Engine>> = {
  reference: async () => referenceEngine,
  onnx: () => openOnnxEngine({ threads: 1 }),
  onednn: () => openOneDnnEngine({ threads: 1, folder: oneDnnFolder }),
  xla: () => openCpuXla(),
};

/** A convolution with first derivatives, and second ones where there are weights for the first. */
function convolution(options: ConvOptions, shapes: Readonly<Record<string, Shape>>): Program {
  const tensors = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, input(name, shape)]),
  );
  const { x, filters, dy, a, b } = tensors as Record<'x' | 'filters' | 'dy', Tensor> & Record<string, Tensor>;
  const y = conv(x, filters, options);
  const [dx, df] = grad(sumAll(mul(y, dy)), [x, filters]) as [Tensor, Tensor];
  if (!a || !b) return program('convolution', { y, dx, df });
  const [x2, filters2, dy2] = grad(add(sumAll(mul(dx, a)), sumAll(mul(df, b))), [x, filters, dy]) as Tensor[];
  return program('convolution', { y, dx, df, x2: x2!, filters2: filters2!, dy2: dy2! });
}

/** Layers as networks have them. */
const layers: Record<string, { x: Shape; filters: Shape; y: Shape; options: ConvOptions }> = {
  'a patch embedding': {
    x: [2, 3, 32, 32],
    filters: [24, 3, 8, 8],
    y: [2, 24, 4, 4],
    options: { strides: [8, 8] },
  },
  "a ResNet's stem": {
    x: [2, 3, 33, 30],
    filters: [16, 3, 7, 7],
    y: [2, 16, 17, 15],
    options: {
      strides: [2, 2],
      padding: [
        [3, 3],
        [3, 3],
      ],
    },
  },
  'a depthwise layer': {
    x: [2, 32, 14, 14],
    filters: [32, 1, 7, 7],
    y: [2, 32, 14, 14],
    options: {
      padding: [
        [3, 3],
        [3, 3],
      ],
      groups: 32,
    },
  },
  'a layer of 1 × 1': { x: [3, 32, 9, 9], filters: [48, 32, 1, 1], y: [3, 48, 9, 9], options: {} },
  'a layer in 4 groups': {
    x: [2, 32, 10, 10],
    filters: [64, 8, 3, 3],
    y: [2, 64, 10, 10],
    options: {
      padding: [
        [1, 1],
        [1, 1],
      ],
      groups: 4,
    },
  },
  'a layer of distant taps': {
    x: [1, 16, 20, 20],
    filters: [16, 16, 3, 3],
    y: [1, 16, 20, 20],
    options: {
      padding: [
        [6, 6],
        [6, 6],
      ],
      filterDilation: [6, 6],
    },
  },
  'a layer that doubles the sides': {
    x: [2, 16, 7, 7],
    filters: [8, 16, 2, 2],
    y: [2, 8, 14, 14],
    options: {
      inputDilation: [2, 2],
      padding: [
        [1, 1],
        [1, 1],
      ],
    },
  },
};

for (const [engine, open] of Object.entries(engines))
  describe.skipIf(isMissing(engine))(`convolutions on ${engine}`, () => {
    it('equal PyTorch, with first and second derivatives', async () => {
      const session = await (await open()).open({});
      for (const [i, options] of cases.entries()) {
        const names = ['x', 'filters', 'dy', 'a', 'b'];
        const shapes = Object.fromEntries(names.map((name) => [name, fixture.shape(`${i}.${name}`)]));
        const values = Object.fromEntries(names.map((name) => [name, fixture.float(`${i}.${name}`)]));
        const got = await session.run(convolution(options, shapes), values);
        for (const [name, result] of Object.entries(got)) {
          const error = relativeError(result, fixture.float(`${i}.${name}`));
          expect(error, `${name} of case ${i}`).toBeLessThan(engine === 'reference' ? 1e-7 : 1e-6);
        }
      }
      await session.dispose();
    });

    it.each(Object.keys(layers))('%s equals the reference', async (layer) => {
      const { x, filters, y, options } = layers[layer]!;
      const random = rng(seed, layer);
      const shapes = { x, filters, dy: y };
      const values = Object.fromEntries(
        Object.entries(shapes).map(([name, shape]) => [
          name,
          normals(
            random,
            shape.reduce((a, b) => a * b),
          ),
        ]),
      );
      const all = convolution(options, shapes);
      const session = await (await open()).open({});
      const [got, expected] = [await session.run(all, values), evaluateProgram(all, values)];
      await session.dispose();
      for (const [name, result] of Object.entries(got))
        expect(relativeError(result, expected[name]!), `${name}, SEED=${seed}`).toBeLessThan(1e-5);
    });
  });

it('a convolution and each of its gradients take as many multiplications and additions', () => {
  const options = {
    padding: [
      [1, 1],
      [1, 1],
    ],
    groups: 2,
  } as const;
  const [x, filters, dy] = [
    input('x', [3, 4, 6, 5]),
    input('filters', [10, 2, 3, 3]),
    input('dy', [3, 10, 6, 5]),
  ];
  const forward = 2 * 3 * 10 * 6 * 5 * 2 * 3 * 3;
  const y = conv(x, filters, options);
  expect(programFlops(program('forward', { y }))).toBe(forward);
  const [dx, df] = grad(sumAll(mul(y, dy)), [x, filters]) as [Tensor, Tensor];
  expect(programFlops(program('dx', { dx }))).toBe(forward);
  expect(programFlops(program('df', { df }))).toBe(forward);
  // Patches: no pixel is multiplied twice, and the zeros between the gradient's pixels are not.
  const patches = conv(input('x', [2, 3, 8, 8]), input('w', [5, 3, 4, 4]), { strides: [4, 4] });
  const [back] = grad(sumAll(patches), [patches.node.inputs[0]!]);
  expect(programFlops(program('patches', { patches }))).toBe(2 * 2 * 3 * 8 * 8 * 5);
  expect(programFlops(program('back', { back: back! }))).toBe(2 * 2 * 3 * 8 * 8 * 5);
});
