import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { tinyFinetuneSettings, tinyImages, tinySettings } from '../../tests/support/tiny-run.ts';
import { referenceEngine } from '../engines/reference/engine.ts';
import { finetune } from '../finetune.ts';
import { pretrain } from '../pretrain.ts';
import { parseStudy } from '../study/schema.ts';
import { runStudy } from '../study/study.ts';
import { knn } from './knn/knn-report.ts';
import { linprobe } from './probe/linprobe.ts';
import { unlearnedClasses } from './unlearned.ts';

const folder = temporaryFolder();
/** Twelve classes of one image each, and the same with a second image in all but one class. */
const single = `classes:${join(folder, 'single')}`;
const double = `classes:${join(folder, 'double')}`;
const test = `classes:${join(folder, 'test')}`;
const warning = /^no training image for \d+ of \d+ test class(es)?, .*: class\d/;
const output = (name: string) => join(folder, name);
let model: string;

beforeAll(async () => {
  await tinyImages(join(folder, 'single'), 12, 12);
  await tinyImages(join(folder, 'double'), 24, 12);
  await mkdir(join(folder, 'test'));
  for (const name of ['class3', 'class7'])
    await cp(join(folder, 'double', name), join(folder, 'test', name), { recursive: true });
  const settings = { training: { epochs: 1 }, evaluation: { reconstructions: 0 } };
  ({ checkpoint: model } = await pretrain(tinySettings(join(folder, 'double'), settings), {
    output: output('run'),
  }));
});

describe('classes without a training image are named', () => {
  /** The warnings of a judge. */
  async function warnings(judge: (onNote: (message: string) => void) => Promise<unknown>): Promise<string[]> {
    const notes: string[] = [];
    await judge((note) => notes.push(note));
    return notes.filter((note) => note.includes('no training image'));
  }
  const common = { engine: referenceEngine, featureCache: false as const };
  const noted =
    (onNote: (message: string) => void) =>
    (event: { type: string; message?: unknown }): void => {
      if (event.type === 'note') onNote(String(event.message));
    };
  let runs = 0;
  const judges = {
    knn: (data: object) => (onNote: (message: string) => void) => knn(model, { ...common, ...data, onNote }),
    linprobe: (data: object) => (onNote: (message: string) => void) =>
      linprobe(model, { ...common, settings: { ...data, epochs: 1, warmupEpochs: 0 }, onNote }),
    finetune:
      ({ data, test: judged }: { data: string; test?: string }) =>
      (onNote: (message: string) => void) => {
        const settings = tinyFinetuneSettings(data, {
          data: { ...(judged !== undefined && { test: judged }) },
          training: { epochs: 1, maxSteps: 1 },
        });
        return finetune(settings, { output: output(`run-${runs++}`), onEvent: noted(onNote) });
      },
  };

  it.each(['knn', 'linprobe', 'finetune'] as const)('by %s', async (name) => {
    const judge = judges[name];
    expect(await warnings(judge({ data: single }))).toEqual([expect.stringMatching(warning)]);
    expect(await warnings(judge({ data: double, test }))).toEqual([]);
  });

  it('by the probe of pre-training, and in a study', async () => {
    const settings = tinySettings(single, {
      training: { epochs: 1 },
      evaluation: { knnEvery: 1, reconstructions: 0 },
    });
    const trained = await warnings((onNote) =>
      pretrain(settings, { output: output('probed'), onEvent: noted(onNote) }),
    );
    expect(trained).toEqual([expect.stringMatching(warning)]);
    expect(trained[0]).toMatch(/; add images of these classes$/); // it has no option --test

    const study = parseStudy({
      arms: ['scratch'],
      seeds: [1],
      pretrain: tinySettings(single, { training: { epochs: 1 }, evaluation: { reconstructions: 0 } }),
      knn: {},
      linear: { epochs: 1, warmupEpochs: 0, learningRates: [0.1] },
      finetune: [{ training: { epochs: 1, batchSize: 4, warmupEpochs: 0 } }],
    });
    const studied = await warnings((onNote) =>
      runStudy(study, { output: output('study'), onEvent: noted(onNote) }),
    );
    expect(studied.length).toBeGreaterThanOrEqual(3);
    for (const each of studied) expect(each).toMatch(warning);
  });
});

it('gives the numbers of classes and images, and at most ten names', () => {
  const classes = Array.from({ length: 30 }, (_, i) => `c${i}`);
  expect(unlearnedClasses(classes, Int32Array.of(0, 1, 1), Int32Array.of(1, 0, 0))).toBeUndefined();
  expect(unlearnedClasses(classes, Int32Array.of(0), Int32Array.of(2, 0, 1, 2))).toBe(
    'no training image for 2 of 3 test classes, so 3 of 4 images cannot be correct: c1, c2; ' +
      'add images of these classes, or give other test images with --test',
  );
  const labels = Int32Array.of(0, 1, 1, 3);
  expect(unlearnedClasses(classes, labels, labels)).toBeUndefined();
  expect(unlearnedClasses(classes, labels, labels, true)).toContain(
    'for 2 of 3 test classes, so 2 of 4 images cannot be correct: c0, c3;',
  );
  expect(
    unlearnedClasses(
      classes,
      Int32Array.of(),
      Int32Array.from(classes, (_, i) => i),
    ),
  ).toContain('c8, c9 and 20 more;');
});
