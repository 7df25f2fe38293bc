import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { openMasks } from '../src/data/masks/open.ts';
import { writeShapes } from '../src/data/shapes/write.ts';
import type { SourceScheme } from '../src/data/sources/scheme.ts';
import type { RunEvaluator } from '../src/parts/evaluator.ts';
import type { Parts } from '../src/parts/parts.ts';
import { runFolder } from '../src/run/folder.ts';
import { readMetrics } from '../src/run/metrics.ts';
import { trainSegmenter } from '../src/segment.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinySegmentSettings } from './support/tiny-run.ts';

const folder = temporaryFolder();
const shapes = join(folder, 'shapes');

const AUGMENT = `
export const darken = ({ by }) => (image, rng) => {
  const share = 1 - by * rng.uniform(0, 1);
  return { ...image, data: image.data.map((value) => Math.round(value * share)) };
};
`;

beforeAll(async () => {
  await writeShapes(shapes, { train: 8, val: 3, size: 20, seed: 2 });
  await writeFile(join(folder, 'augment.mjs'), AUGMENT);
});

/** The drawn shapes under another name. */
const drawn: SourceScheme = {
  scheme: 'drawn',
  argument: 'PART',
  help: 'drawn shapes',
  example: 'drawn:train',
  labelled: false,
  absolute: (part) => part,
  open: (part, options) => openMasks(`${shapes}@${part}`, { cache: options.cache }),
  testSet: (part) => (part === 'train' ? 'drawn:val' : undefined),
};
const spread: RunEvaluator = {
  name: 'spread',
  every: 2,
  async *run(_, __, { features, train }) {
    const { features: values } = await features(train);
    yield ['spread', Math.max(...values) - Math.min(...values)] as const;
  },
};
const darken = () => ({
  name: 'darken',
  module: pathToFileURL(join(folder, 'augment.mjs')).href,
  export: 'darken',
  options: { by: 0.9 },
});
const parts: Parts = { sources: [drawn], evaluators: [spread], augmentations: [darken()] };
const losses = async (output: string) => (await readMetrics(runFolder(output))).map(({ loss }) => loss);

it('segment takes a source, an augmentation and an evaluator of the user, and asks for them when it resumes', async () => {
  const train = async (name: string, given: Parts, options: object = {}) => {
    const output = join(folder, name);
    const settings = tinySegmentSettings('drawn:train', {
      training: { epochs: 4 },
      evaluation: { every: 4 },
    });
    await trainSegmenter(settings, { output, parts: given, ...options });
    return output;
  };
  const whole = await train('whole', parts);
  const rows = await readMetrics(runFolder(whole));
  const scored = rows.filter(({ spread }) => spread !== undefined);
  expect(scored.map(({ epoch }) => epoch)).toEqual([2, 4]);
  for (const { spread } of scored) expect(spread).toBeGreaterThan(0);
  expect(rows.at(-1)!.mIoU).toBeGreaterThan(0);

  const { augmentations: _, ...lighter } = parts;
  const light = await losses(await train('light', lighter));
  expect(await losses(whole)).not.toEqual(light); // the augmentation changed what was learned

  const stop = new AbortController();
  const onEvent = ({ type }: { type: string }) => void (type === 'step' && stop.abort());
  await train('stopped', parts, { signal: stop.signal, onEvent });
  await expect(train('stopped', lighter, { resume: true })).rejects.toThrow(
    'needs its own augmentation "darken"',
  );
  expect(await losses(await train('stopped', parts, { resume: true }))).toEqual(await losses(whole));
});
