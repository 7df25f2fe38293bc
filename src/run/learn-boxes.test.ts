import { expect, it } from 'vitest';
import { seed } from '../../tests/support/random.ts';
import type { DetectionPlan } from '../detect/learn.ts';
import { referenceEngine } from '../engines/reference/engine.ts';
import type { Values } from '../graph/index.ts';
import { type DetectorConfig, detectorLevels, maskedBoxes } from '../models/detector.ts';
import { initialise } from '../nn/init.ts';
import { adamw } from '../optim/adamw.ts';
import { detectorPrograms } from '../programs/detect.ts';
import { rng } from '../random/rng.ts';
import { anchorInputs, type Lesson, roiInputs } from './learn-boxes.ts';

const model: DetectorConfig = {
  ...{ image: [16, 24], patch: 4, channels: 3, width: 8, depth: 1, heads: 2, mlpRatio: 2 },
  ...{ classToken: false, positions: 'learned', classes: 2 },
  head: { channels: 4, scales: [2, 1, 0.5], convolutions: 1, hidden: 6, masks: true },
};
const BATCH = 4;
const rois = 8;
const plan: DetectionPlan = {
  ...{ image: model.image, levels: detectorLevels(model), classes: 2, anchors: 256 },
  proposals: { ofEach: 40, kept: 20 },
  rois: { count: rois, objects: maskedBoxes(rois) },
  bins: { boxes: 7, masks: 14 },
};
const programsOf = (batch: number) =>
  detectorPrograms({
    ...{ model, batch, rois, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] },
    training: { weightDecay: 0, layerDecay: 1, dropPath: 0 },
  });

it('inputs of a batch fit its program, and depend neither on its parts nor on the threads', async () => {
  const random = rng(seed);
  const view = Uint8Array.from({ length: BATCH * 3 * 16 * 24 }, () => random.int(256));
  const lessons: Lesson[] = Array.from({ length: BATCH }, (_, i) => ({
    objects: { boxes: Float64Array.from(i === 1 ? [] : [2, 3, 9, 11]), classes: i === 1 ? [] : [i % 2] },
    rng: rng(seed, 'image', i),
  }));
  const session = await referenceEngine.open(initialise(programsOf(BATCH).specs, seed));
  const inputs = async (parts: number) => {
    const anchors = await anchorInputs(plan, lessons);
    const size = BATCH / parts;
    const cut = (values: Values[string], p: number) =>
      values.slice((p * values.length) / parts, ((p + 1) * values.length) / parts);
    const made = Array.from({ length: parts }, async (_, p): Promise<Values> => {
      const part = cut(view, p) as Uint8Array;
      const proposed = await session.run(programsOf(size).midway, { view: part });
      return {
        view: part,
        ...Object.fromEntries(Object.entries(anchors).map(([name, values]) => [name, cut(values, p)])),
        ...(await roiInputs(plan, lessons.slice(p * size, (p + 1) * size), proposed)),
      };
    });
    return Promise.all(made);
  };
  const [whole, again, halves] = [await inputs(1), await inputs(1), await inputs(2)];
  expect(again, `seed ${seed}`).toEqual(whole);
  for (const [name, values] of Object.entries(whole[0]!))
    expect([...halves[0]![name]!, ...halves[1]![name]!], `${name}, seed ${seed}`).toEqual([...values]);
  const { metrics } = await session.step(
    {
      gradients: programsOf(BATCH).gradients,
      parameters: programsOf(BATCH).parameters,
      rule: adamw({ beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }),
    },
    whole,
    { step: 0, lr: 1 },
  );
  const { loss, ...parts } = metrics;
  expect(Object.keys(parts).sort()).toEqual([
    'boxLoss',
    'classLoss',
    'maskLoss',
    'objectnessLoss',
    'proposalLoss',
  ]);
  expect(Object.values(parts).reduce((a, b) => a + b)).toBeCloseTo(loss!, 5);
});
