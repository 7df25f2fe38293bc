import { describe, expect, it } from 'vitest';
import { namedMatrices } from '../src/detect/learn.ts';
import { roiMatrices } from '../src/detect/roi-align.ts';
import type { TensorData } from '../src/graph/index.ts';
import { BOX_BINS } from '../src/models/box-head.ts';
import {
  type DetectorConfig,
  detectorLevels,
  detectorParameters,
  maskedBoxes,
} from '../src/models/detector.ts';
import { MASK_BINS } from '../src/models/mask-head.ts';
import { detectorPrograms } from '../src/programs/detect.ts';
import { engines } from './support/engines.ts';
import { readFixture } from './support/fixture.ts';
import { isMissing } from './support/libraries.ts';
import { relativeError } from './support/task-fixture.ts';

// Written by tests/oracle/make_detector_fixture.py with PyTorch's and torchvision's own operations.
const { names, float, ints, shape, metadata } = await readFixture('detector');
// The matrices that read boxes are float32. In bfloat16 the smallest gradients of so small a model are noise.
const tolerances: Record<string, number> = { reference: 1e-5, onnx: 5e-4, onednn: 5e-4, xla: 5e-4 };

describe.each(['vitdet', 'boxes'])('a detector (%s)', (key) => {
  const { config, batch, rois, losses, mean, std } = metadata(key) as {
    config: DetectorConfig;
    batch: number;
    rois: number;
    losses: Record<string, number>;
    mean: number[];
    std: number[];
  };
  const section = (part: string) =>
    names
      .filter((name) => name.startsWith(`${key}.${part}.`))
      .map((name) => name.slice(key.length + part.length + 2));
  const dropPath = section('dropPath').length + names.filter((name) => name === `${key}.dropPath`).length > 0;
  const options = {
    ...{ model: config, batch, rois, mean, std },
    training: { weightDecay: 0.1, layerDecay: 0.7, dropPath: dropPath ? 0.1 : 0 },
  };

  /** The inputs of both programs; the boxes' matrices are made image by image. */
  function inputs(): Record<string, TensorData> {
    const boxes = float(`${key}.rois.boxes`);
    const classes = Float32Array.from(ints(`${key}.rois.classes`));
    const levels = detectorLevels(config).slice(0, -1);
    const masked = maskedBoxes(rois);
    const images = Array.from({ length: batch }, (_, b) => {
      const own = Float64Array.from(boxes.subarray(4 * b * rois, 4 * (b + 1) * rois));
      const all = classes.subarray(b * rois, (b + 1) * rois);
      const count = (wanted: (number: number) => boolean) => [...all].filter(wanted).length;
      const there = own.subarray(0, 4 * count((number) => number >= 0));
      const objects = own.subarray(0, 4 * count((number) => number >= 0 && number < config.classes));
      return {
        ...namedMatrices('rois', roiMatrices(there, levels, { count: rois, bins: BOX_BINS, sampling: 0 })),
        ...(config.head.masks &&
          namedMatrices(
            'masks',
            roiMatrices(objects, levels, { count: masked, bins: MASK_BINS, sampling: 0 }),
          )),
      };
    });
    const matrices = Object.keys(images[0]!).map((name) => [
      name,
      Float32Array.from(images.flatMap((image) => [...image[name]!])),
    ]);
    return {
      ...Object.fromEntries(section('start').map((name) => [name, float(`${key}.start.${name}`)])),
      ...Object.fromEntries(matrices),
      view: Uint8Array.from(ints(`${key}.view`)),
      'anchors:labels': Uint8Array.from(ints(`${key}.anchors.labels`)),
      'anchors:deltas': float(`${key}.anchors.deltas`),
      'rois:classes': classes,
      'rois:deltas': float(`${key}.rois.deltas`),
      ...(config.head.masks && { 'masks:targets': Uint8Array.from(ints(`${key}.masks.targets`)) }),
      ...(dropPath && { dropPath: float(`${key}.dropPath`) }),
    };
  }

  it('has the tensors of that of PyTorch', () => {
    const specs = detectorParameters(config);
    expect(specs.map(({ name }) => name).sort()).toEqual(section('start').sort());
    for (const { name, shape: own } of specs) expect(own, name).toEqual(shape(`${key}.start.${name}`));
  });

  for (const [name, open, needs] of engines.filter(([engine]) => engine in tolerances))
    it.skipIf(needs.some(isMissing))(
      `equals PyTorch in losses, gradients and proposals on ${name}`,
      async () => {
        const tolerance = tolerances[name]!;
        const { gradients, midway } = detectorPrograms(options);
        const values = inputs();
        const session = await (await open()).open({});
        try {
          const of = (program: typeof midway) =>
            Object.fromEntries(Object.keys(program.inputs).map((input) => [input, values[input]!]));
          const got = await session.run(gradients, of(gradients));
          for (const [loss, expected] of Object.entries(losses))
            expect(Math.abs(got[loss]![0]! - expected) / expected, loss).toBeLessThan(tolerance);
          const all = section('grad').map((tensor) => [tensor, float(`${key}.grad.${tensor}`)] as const);
          const least = 1e-2 * Math.max(...all.flatMap(([, expected]) => [...expected].map(Math.abs)));
          for (const [tensor, expected] of all) {
            const scale = Math.max(least, ...[...expected].map(Math.abs));
            const apart = [...expected].map(
              (value, i) => Math.abs(value - got[`grad:${tensor}`]![i]!) / scale,
            );
            expect(Math.max(...apart), tensor).toBeLessThan(tolerance);
          }
          const proposed = await session.run(midway, of(midway));
          for (const output of ['objectness', 'deltas'])
            expect(
              relativeError(proposed[output] as Float32Array, float(`${key}.${output}`)),
              output,
            ).toBeLessThan(tolerance);
        } finally {
          await session.dispose();
        }
      },
    );
});

it('refuses sizes that do not fit', () => {
  const { config } = metadata('vitdet') as { config: DetectorConfig };
  const head = (more: Partial<DetectorConfig['head']>) => ({ ...config, head: { ...config.head, ...more } });
  expect(() => detectorParameters({ ...config, classes: 0 })).toThrow(
    'a detector needs 1 class at least, got 0',
  );
  expect(() => detectorParameters(head({ scales: [1, 2] }))).toThrow(
    'a pyramid needs scales that fall, got [1,2]',
  );
  expect(() => detectorParameters(head({ convolutions: 0 }))).toThrow(
    'must be whole and positive, got 5,6,0',
  );
  expect(() => detectorParameters({ ...config, width: 10, heads: 5 })).toThrow(
    'a pyramid needs a width that is a multiple of 4, got 10',
  );
  expect(() => detectorParameters({ ...config, image: [8, 16] })).toThrow(
    'each map of a pyramid needs a place at least',
  );
  expect(() => detectorParameters({ ...config, windows: { side: 4, global: [3] } })).toThrow(
    'blocks below 3 without them, got 4 and [3]',
  );
});
