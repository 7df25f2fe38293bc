import { describe, expect, it } from 'vitest';
import { type Engine, slotName } from '../src/engines/engine.ts';
import { openOnnxEngine } from '../src/engines/onnx/engine.ts';
import { referenceEngine } from '../src/engines/reference/engine.ts';
import { rankAndLoss } from '../src/evaluate/accuracy.ts';
import { constant } from '../src/graph/index.ts';
import type { ClassifierConfig } from '../src/models/classifier.ts';
import { resamplePositions } from '../src/nn/resample-positions.ts';
import { classifierPrograms } from '../src/programs/classify.ts';
import { cutBox, type Mix, mixedTargets, mixImages, mixShares } from '../src/programs/mix.ts';
import { trainingPlan } from '../src/programs/plan.ts';
import { evaluate } from './support/evaluate.ts';
import { readFixture } from './support/fixture.ts';
import { relativeError } from './support/task-fixture.ts';

// Written by tests/oracle/make_finetune_fixture.py with timm and PyTorch.
const { names, float, ints, metadata } = await readFixture('finetune');

/** The tensors whose names start so, by the rest of their names. */
const section = (prefix: string) =>
  Object.fromEntries(
    names.filter((name) => name.startsWith(prefix)).map((name) => [name.slice(prefix.length), float(name)]),
  );

const engines: Record<string, { open: () => Promise<Engine>; tolerance: number }> = {
  reference: { open: async () => referenceEngine, tolerance: 1e-5 },
  onnx: { open: () => openOnnxEngine({ threads: 1 }), tolerance: 1e-4 },
};

describe.each(['mean', 'mean-token', 'token'])('a classifier (%s)', (key) => {
  const programs = () => {
    const { config, mean, std, layerDecay } = metadata(key);
    return classifierPrograms({
      model: config as ClassifierConfig,
      batch: 4,
      mean: [mean, mean, mean],
      std: [std, std, std],
      training: {
        weightDecay: 0.05,
        layerDecay,
        dropPath: 0.3,
        mixup: 0,
        cutmix: 0,
        mixProbability: 1,
        mixSwitch: 0.5,
        mixMode: 'batch',
      },
    });
  };

  it("has timm's learning rate scales and weight decay, tensor by tensor", () => {
    const { lrScale, weightDecay } = metadata(key);
    const { parameters } = programs();
    expect(parameters.map(({ name }) => name).sort()).toEqual(Object.keys(lrScale).sort());
    for (const parameter of parameters) {
      expect(parameter.lrScale, parameter.name).toBeCloseTo(lrScale[parameter.name], 12);
      expect(parameter.weightDecay, parameter.name).toBe(weightDecay[parameter.name]);
    }
  });

  it.each(Object.keys(engines))(
    'trains as with timm, PyTorch and a moving average, on %s',
    async (engine) => {
      const { open, tolerance } = engines[engine]!;
      const { lr, losses, ema } = metadata(key);
      const { gradients, predict, predictAverage, parameters } = programs();
      const plan = trainingPlan(
        { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clip: 0, ema },
        gradients,
        parameters,
      );
      const start = section(`${key}.start.`);
      const averages = Object.entries(start).map(([name, data]) => [slotName('ema', name), data.slice()]);
      const session = await (await open()).open({ ...start, ...Object.fromEntries(averages) });
      const part = <T extends Float32Array | Int32Array>(data: T, step: number) =>
        data.slice((step * data.length) / 3, ((step + 1) * data.length) / 3) as T;
      const view = (step: number) => Uint8Array.from(part(ints(`${key}.view`), step));
      const { logits } = await session.run(predict, { view: view(0) });
      expect(relativeError(logits!, float(`${key}.logits`))).toBeLessThan(tolerance);
      for (const [step, rate] of (lr as number[]).entries()) {
        const inputs = {
          view: view(step),
          targets: part(float(`${key}.targets`), step),
          dropPath: part(float(`${key}.drop_path`), step),
        };
        const { metrics } = await session.step(plan, [inputs], { step, lr: rate });
        expect(metrics.loss, `step ${step}`).toBeCloseTo(losses[step], 4);
      }
      const state = await session.read();
      for (const name of Object.keys(start)) {
        expect(relativeError(state[name]!, float(`${key}.after.${name}`)), name).toBeLessThan(tolerance);
        const average = state[slotName('ema', name)]!;
        expect(relativeError(average, float(`${key}.ema.${name}`)), `average of ${name}`).toBeLessThan(
          tolerance,
        );
      }
      // The program of the average is that of the weights, had they its values.
      const byAverage = await session.run(predictAverage, { view: view(1) });
      const swapped = Object.keys(start).map((name) => [name, state[slotName('ema', name)]!]);
      const expected = await session.run(predict, { view: view(1), ...Object.fromEntries(swapped) });
      expect(byAverage.logits).toEqual(expected.logits);
      await session.dispose();
    },
  );
});

describe("mixing is timm's", () => {
  it.each(['batch-mixup', 'batch-cutmix', 'element'])('%s', (key) => {
    const { cases, smoothing, classes } = metadata('mix');
    const size = [8, 12] as const;
    const mixes: Mix[] = (
      cases[key] as { own: number; drawn?: number; centre?: [number, number]; box?: number[] }[]
    ).map(({ own, drawn, centre, box }) => {
      if (!box) return { own };
      const cut = cutBox(drawn!, centre!, size);
      expect([cut.top, cut.bottom, cut.left, cut.right]).toEqual(box);
      return { own, box: cut };
    });
    const { rows, columns } = mixShares(mixes, size);
    const x = float(`mix.${key}.x`);
    const pixels = x.length / 6;
    const partners = x.map((_, i) => x[(5 - Math.floor(i / pixels)) * pixels + (i % pixels)]!);
    const mixed = evaluate(
      mixImages(
        constant(x, [6, 3, ...size]),
        constant(partners, [6, 3, ...size]),
        constant(rows, [6, 8]),
        constant(columns, [6, 12]),
      ),
    );
    expect(relativeError(mixed, float(`mix.${key}.images`))).toBeLessThan(1e-6);
    const own = mixes.map((mix) => mix.own);
    const targets = mixedTargets(ints(`mix.${key}.labels`), classes, own, smoothing);
    expect(relativeError(targets, float(`mix.${key}.targets`))).toBeLessThan(1e-6);
  });
});

it("positions for another grid are timm's", () => {
  for (const [i, [from, to]] of (metadata('positions') as [[number, number], [number, number]][]).entries()) {
    const got = resamplePositions(float(`positions.${i}.table`), { from, to, first: 1, width: 6 });
    expect(relativeError(got, float(`positions.${i}.out`)), `${from} to ${to}`).toBeLessThan(1e-6);
  }
});

it("top-1, top-5 and cross-entropy are PyTorch's", () => {
  const labels = ints('accuracy.labels');
  const judged = Array.from(labels, (label, i) =>
    rankAndLoss(float('accuracy.logits').subarray(9 * i, 9 * i + 9), label),
  );
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const { top1, top5, loss } = metadata('accuracy');
  expect(mean(judged.map(({ rank }) => Number(rank < 1)))).toBeCloseTo(top1, 12);
  expect(mean(judged.map(({ rank }) => Number(rank < 5)))).toBeCloseTo(top5, 12);
  expect(mean(judged.map((image) => image.loss))).toBeCloseTo(loss, 5);
});
