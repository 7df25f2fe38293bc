import { describe, expect, it } from 'vitest';
import type { Engine } from '../src/engines/engine.ts';
import { openOnnxEngine } from '../src/engines/onnx/engine.ts';
import { referenceEngine } from '../src/engines/reference/engine.ts';
import { grad, input, program, type Tensor } from '../src/graph/index.ts';
import {
  type SegmenterConfig,
  segment,
  segmenterLoss,
  segmenterParameters,
} from '../src/models/segmenter.ts';
import { initialise } from '../src/nn/init.ts';
import { adamw } from '../src/optim/adamw.ts';
import { rng } from '../src/random/rng.ts';
import { readFixture } from './support/fixture.ts';
import { seed } from './support/random.ts';
import { relativeError } from './support/task-fixture.ts';

// Written by tests/oracle/make_segmenter_fixture.py with PyTorch's own layers.
const { names, float, ints, shape, metadata } = await readFixture('segmenter');
const BATCH = 2;

/** The tensors whose names start so, by the rest of their names. */
const section = (prefix: string) =>
  Object.fromEntries(
    names.filter((name) => name.startsWith(prefix)).map((name) => [name.slice(prefix.length), float(name)]),
  );

function inputsOf(config: SegmenterConfig) {
  const specs = segmenterParameters(config);
  const tensors = new Map(specs.map((spec) => [spec.name, input(spec.name, spec.shape)]));
  const weights = (name: string) => {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`no weight ${name}`);
    return tensor;
  };
  const image = input('image', [BATCH, config.channels, ...config.image]);
  const labels = input('labels', [BATCH, ...config.image], 'u8');
  return { specs, weights, image, labels };
}

/** The step's program: loss, gradients and the next statistics. */
function stepOf(config: SegmenterConfig, over?: 'labelled pixels') {
  const { specs, weights, image, labels } = inputsOf(config);
  const { loss, statistics } = segmenterLoss(config, weights, image, labels, over ? { over } : {});
  const trained = specs.filter(({ trainable }) => trainable);
  const gradients = grad(
    loss,
    trained.map(({ name }) => weights(name)),
  );
  const outputs: Record<string, Tensor> = { loss };
  for (const [i, { name }] of trained.entries()) outputs[`grad:${name}`] = gradients[i]!;
  for (const [name, value] of statistics) outputs[`next:${name}`] = value;
  return { specs, trained, statistics, gradients: program('segment step', outputs) };
}

const engines: Record<string, { open: () => Promise<Engine>; tolerance: number }> = {
  reference: { open: async () => referenceEngine, tolerance: 1e-5 },
  // The gradient through a batch norm of two values cancels but for epsilon: float32 keeps three digits of it.
  onnx: { open: () => openOnnxEngine({ threads: 1 }), tolerance: 2e-3 },
};

describe.each(['linear', 'upernet', 'beit'])('a segmenter (%s) is that of PyTorch', (key) => {
  const { config, loss, labelled } = metadata(key) as {
    config: SegmenterConfig;
    loss: number;
    labelled: number;
  };
  const values = () => ({
    ...section(`${key}.start.`),
    image: float(`${key}.image`),
    labels: Uint8Array.from(ints(`${key}.labels`)),
  });

  it('in its tensors and their shapes', () => {
    const specs = segmenterParameters(config);
    expect(specs.map(({ name }) => name).sort()).toEqual(Object.keys(section(`${key}.start.`)).sort());
    for (const { name, shape: own } of specs) expect(own, name).toEqual(shape(`${key}.start.${name}`));
    const trained = specs.filter((spec) => spec.trainable).map(({ name }) => name);
    expect(trained.sort()).toEqual(Object.keys(section(`${key}.grad.`)).sort());
  });

  it.each(Object.entries(engines))(
    'in loss, gradients and statistics: %s',
    async (_, { open, tolerance }) => {
      const { gradients } = stepOf(config);
      const session = await (await open()).open({});
      const got = await session.run(gradients, values());
      await session.dispose();
      expect(Math.abs(got.loss![0]! - loss)).toBeLessThan(tolerance * loss);
      // A bias before a norm has no gradient but for rounding.
      const all = Object.values(section(`${key}.grad.`)).flatMap((values) => [...values]);
      const least = 1e-3 * Math.max(...all.map(Math.abs));
      for (const [name, expected] of Object.entries(section(`${key}.grad.`))) {
        const scale = Math.max(least, ...expected.map(Math.abs));
        const apart = expected.map((value, i) => Math.abs(value - got[`grad:${name}`]![i]!) / scale);
        expect(Math.max(...apart), name).toBeLessThan(tolerance);
      }
      for (const [name, expected] of Object.entries(section(`${key}.stats.`)))
        expect(relativeError(got[`next:${name}`] as Float32Array, expected), name).toBeLessThan(tolerance);
    },
  );

  it('in the loss over labelled pixels, and in logits with the kept statistics', async () => {
    const session = await referenceEngine.open({});
    const over = await session.run(stepOf(config, 'labelled pixels').gradients, values());
    expect(Math.abs(over.loss![0]! - labelled)).toBeLessThan(1e-5 * labelled);
    const { weights, image } = inputsOf(config);
    const { logits, auxiliary } = segment(config, weights, image);
    expect(auxiliary).toBeUndefined();
    const got = await session.run(program('segment', { logits }), values());
    expect(relativeError(got.logits as Float32Array, float(`${key}.logits`))).toBeLessThan(1e-5);
  });
});

it('pixels without a class cost nothing, all of them 0 and not NaN', async () => {
  const { config } = metadata('upernet') as { config: SegmenterConfig };
  const session = await referenceEngine.open({});
  for (const over of [undefined, 'labelled pixels'] as const) {
    const values = {
      ...section('upernet.start.'),
      image: float('upernet.image'),
      labels: new Uint8Array(ints('upernet.labels').length).fill(255),
    };
    const got = await session.run(stepOf(config, over).gradients, values);
    expect(got.loss![0]! + 0).toBe(0);
    for (const [name, value] of Object.entries(got))
      if (name.startsWith('grad:'))
        expect(
          value.every((x) => x === 0),
          name,
        ).toBe(true);
  }
});

it('training writes the statistics with the weights, and an overfitted batch is labelled rightly', async () => {
  const { config } = metadata('upernet') as { config: SegmenterConfig };
  const { specs, trained, statistics, gradients } = stepOf(config);
  const state = initialise(specs, seed);
  const parameters = trained.map(({ name }) => ({ name, lrScale: 1, weightDecay: 0 }));
  const plan = {
    gradients,
    parameters,
    rule: adamw({ beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }),
    state: Object.fromEntries([...statistics.keys()].map((name) => [`next:${name}`, name])),
  };
  const [height, width] = config.image;
  // Each quarter of a picture has the colour of its class.
  const random = rng(seed, 'pictures');
  const labels = new Uint8Array(BATCH * height * width);
  const image = new Float32Array(BATCH * 3 * height * width);
  for (let b = 0; b < BATCH; b++) {
    const order = random.permutation(4);
    for (let i = 0; i < height * width; i++) {
      const [y, x] = [Math.floor(i / width), i % width];
      const of = order[2 * Number(y >= height / 2) + Number(x >= width / 2)]!;
      labels[b * height * width + i] = of;
      for (let c = 0; c < 3; c++)
        image[(b * 3 + c) * height * width + i] = ((of >> c) & 1) * 2 - 1 + random.normal(0, 0.1);
    }
  }
  const session = await (await openOnnxEngine({ threads: 1 })).open(state);
  let [first, last] = [0, 0];
  for (let step = 0; step < 200; step++) {
    const { metrics } = await session.step(plan, [{ image, labels }], { step, lr: 3e-3 });
    if (step === 0) first = metrics.loss!;
    last = metrics.loss!;
  }
  const { weights, image: picture } = inputsOf(config);
  const { logits } = segment(config, weights, picture);
  const got = (await session.run(program('segment', { logits }), { image })).logits!;
  await session.dispose();
  const [, rows, columns, classes] = logits.shape as [number, number, number, number];
  let right = 0;
  for (let i = 0; i < BATCH * rows * columns; i++) {
    const own = Array.from(got.slice(i * classes, (i + 1) * classes));
    const [b, r, c] = [Math.floor(i / (rows * columns)), Math.floor(i / columns) % rows, i % columns];
    const at =
      (b * height + Math.floor(((r + 0.5) * height) / rows)) * width +
      Math.floor(((c + 0.5) * width) / columns);
    if (own.indexOf(Math.max(...own)) === labels[at]) right++;
  }
  expect(last, `seed ${seed}`).toBeLessThan(0.3 * first);
  expect(right / (BATCH * rows * columns), `seed ${seed}`).toBeGreaterThan(0.95);
});

it('refuses sizes that do not fit', () => {
  const { config } = metadata('upernet') as { config: SegmenterConfig };
  const head = { kind: 'upernet', channels: 4, taps: [0, 1] } as const;
  expect(() => segmenterParameters({ ...config, head })).toThrow(
    'a pyramid needs a tap below 4 for each of the 4 scales',
  );
  expect(() => segmenterParameters({ ...config, classes: 300 })).toThrow(
    'a segmenter needs 1 to 255 classes, got 300',
  );
});
