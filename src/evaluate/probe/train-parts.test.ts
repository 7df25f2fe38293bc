import { expect, it } from 'vitest';
import { normals, seed } from '../../../tests/support/random.ts';
import { relativeError } from '../../../tests/support/task-fixture.ts';
import { parseLinprobeConfig } from '../../config/linprobe-schema.ts';
import type { Engine } from '../../engines/engine.ts';
import { openOnnxEngine } from '../../engines/onnx/engine.ts';
import { referenceEngine } from '../../engines/reference/engine.ts';
import { type Rng, rng } from '../../random/rng.ts';
import { scoreRates } from './choose-rate.ts';
import { crossValidate } from './cross-validate.ts';
import { trainParts } from './train-parts.ts';
import { trainProbe } from './train-probe.ts';

const classes = 3;
const width = 4;

/** Rows around a centre for each class. */
function rowsOf(random: Rng, count: number) {
  const labels = Int32Array.from({ length: count }, (_, i) => i % classes);
  const features = normals(random, count * width).map(
    (x, i) => x + 2 * Math.sin(7 * labels[Math.floor(i / width)]! + (i % width)),
  );
  return { features: Float32Array.from(features), labels };
}

/** The same engine, whose starts are counted. */
function counted(engine: Engine) {
  let opened = 0;
  const open = (state: Parameters<Engine['open']>[0]) => {
    opened++;
    return engine.open(state);
  };
  return { engine: { ...engine, open }, opened: () => opened };
}

it.each(['reference', 'onnx'] as const)(
  'parts of any sizes give side by side what each gives alone on %s',
  async (on) => {
    const engine = on === 'onnx' ? await openOnnxEngine({ threads: 1 }) : referenceEngine;
    const random = rng(seed);
    const parts = [12, 13, 12, 30, 13, 12].map((count) => rowsOf(random, count));
    const rates = parts.map((_, i) => [0.1 * (i + 1), 1 + i]);
    const config = parseLinprobeConfig({ epochs: 6, warmupEpochs: 1, batchSize: 12, seed, optimizer: 'sgd' });
    const progress: [number, number][] = [];
    const together = await trainParts(parts, rates, config, {
      ...{ engine, classes },
      onProgress: (done, total) => progress.push([done, total]),
    });
    expect(progress).toEqual(Array.from({ length: 18 }, (_, i) => [i + 1, 18])); // three sizes
    for (const [i, part] of parts.entries()) {
      const settings = { ...config, learningRates: rates[i]! };
      const alone = await trainProbe(part, settings, { engine, classes });
      for (const [h, { weight, bias }] of alone.entries()) {
        const tolerance = on === 'onnx' ? 1e-4 : 1e-6;
        expect(relativeError(together[i]![h]!.weight, weight), `seed ${seed}`).toBeLessThan(tolerance);
        expect(relativeError(together[i]![h]!.bias, bias), `seed ${seed}`).toBeLessThan(tolerance);
      }
    }
  },
);

it.each([60, 61, 250])('%i images are cross-validated with few starts of an engine', async (count) => {
  const rows = rowsOf(rng(seed), count);
  const config = parseLinprobeConfig({ epochs: 2, warmupEpochs: 0, learningRates: [0.1, 1, 10], seed });
  const { engine, opened } = counted(referenceEngine);
  const result = await crossValidate(rows, config, { engine, classes }, () => {});
  expect(result.folds).toBe(10);
  expect(opened(), `seed ${seed}`).toBeLessThanOrEqual(8); // it took 10 × (3 × 2 + 2), once for each training and each judgement
});

it('rates of several sets are those of each alone', async () => {
  const random = rng(seed);
  const sets = [rowsOf(random, 15), rowsOf(random, 210), rowsOf(random, 15)];
  const config = parseLinprobeConfig({ epochs: 3, warmupEpochs: 0, learningRates: [0.01, 1, 10], seed });
  const fit = { engine: referenceEngine, classes };
  const together = await scoreRates(sets, config, fit);
  for (const [i, set] of sets.entries())
    expect(together[i], `seed ${seed}`).toEqual((await scoreRates([set], config, fit))[0]);
  expect(together.map(([first]) => first!.images)).toEqual([15, 21, 15]);
});
