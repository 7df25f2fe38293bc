import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readEvents, type TensorboardContent } from '../../tests/support/read-events.ts';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { tinyImages, tinySettings } from '../../tests/support/tiny-run.ts';
import type { ConfigInput } from '../config/schema.ts';
import { pretrain } from '../pretrain.ts';
import type { PretrainEvent, StepRow } from './events.ts';
import { runFolder } from './folder.ts';
import { readMetrics } from './metrics.ts';
import { tensorboardLog } from './tensorboard.ts';

const folder = temporaryFolder();
const images = join(folder, 'images');
beforeAll(() => tinyImages(images, 24));

const settings = (training: ConfigInput['training'] = {}) =>
  tinySettings(`classes:${images}`, {
    training: { epochs: 2, ...training },
    checkpoints: { every: 3 },
    evaluation: { knnEvery: 1, knnTrain: 8, knnTest: 4, reconstructions: 1 },
  });

/** The numbers of rows, by TensorBoard's tags and steps. */
function expected(rows: readonly StepRow[]): TensorboardContent['scalars'] {
  const values = rows.flatMap(({ step, ...row }) =>
    Object.entries({
      metrics: row,
      panel: row.panel ?? {},
      knn: row.knn ?? {},
      linear: row.knn?.linear ?? {},
    }).flatMap(([group, named]) =>
      Object.entries(named).flatMap(([name, value]) =>
        typeof value === 'number' ? [{ tag: `${group}/${name}`, step, value: Math.fround(value) }] : [],
      ),
    ),
  );
  const out: Record<string, Record<number, number>> = {};
  for (const { tag, step, value } of values) out[tag] = { ...out[tag], [step]: value };
  return out;
}

async function shown(output: string) {
  const content = await readEvents(join(output, 'tensorboard'));
  return { ...content, rows: await readMetrics(runFolder(output)) };
}

describe('tensorboardLog', () => {
  it('writes every number, picture and setting of a run', async () => {
    const output = join(folder, 'whole');
    await pretrain(settings(), { output, onEvent: tensorboardLog() });
    const { scalars, images, texts, rows } = await shown(output);
    expect(rows).toHaveLength(9);
    expect(scalars).toEqual(expected(rows));
    expect(Object.keys(images.reconstructions!)).toEqual(['4', '8']);
    expect(JSON.parse(texts.settings!).training.epochs).toBe(2);
  });

  it('shows nothing twice after a kill beyond the last checkpoint', async () => {
    const output = join(folder, 'killed');
    const dying = () => {
      const log = tensorboardLog();
      return (event: PretrainEvent) => {
        log(event);
        if (event.type === 'step' && event.row.step === 5) throw new Error('killed');
      };
    };
    await expect(pretrain(settings(), { output, onEvent: dying() })).rejects.toThrow('killed');
    const before = await shown(output);
    expect(Object.keys(before.scalars['metrics/loss']!)).toEqual(['1', '2', '3', '4', '5']);
    // Another learning rate distinguishes step 5 of the sessions; the newest checkpoint is that of step 4.
    const again = settings({ learningRate: 0.2 });
    await pretrain(again, { output, resume: true, onEvent: tensorboardLog() });
    const { scalars, written, rows } = await shown(output);
    expect(scalars).toEqual(expected(rows));
    expect(scalars['metrics/lr']![5]).not.toBe(before.scalars['metrics/lr']![5]);
    const values = Object.values(scalars).flatMap((tag) => Object.keys(tag)).length;
    expect(written).toBeGreaterThan(values + 4); // step 5 of the first sitting is in the files, and forgotten
  });

  it('starts over when a run was killed before its first checkpoint', async () => {
    const output = join(folder, 'early');
    const log = tensorboardLog();
    const onEvent = (event: PretrainEvent) => {
      log(event);
      if (event.type === 'step' && event.row.step === 2) throw new Error('killed');
    };
    await expect(pretrain(settings(), { output, onEvent })).rejects.toThrow('killed');
    await pretrain(settings(), { output, resume: true, onEvent: tensorboardLog() });
    const { scalars, rows } = await shown(output);
    expect(scalars).toEqual(expected(rows));
  });

  it('takes over the rows of earlier sittings without it', async () => {
    const output = join(folder, 'later');
    await pretrain(settings({ maxSteps: 3 }), { output });
    await pretrain(settings({ maxSteps: 5 }), { output, resume: true, onEvent: tensorboardLog() });
    const { scalars, rows } = await shown(output);
    expect(rows).toHaveLength(6);
    expect(scalars).toEqual(expected(rows));
  });

  it('reports once that it cannot write, and the run continues', async () => {
    const output = join(folder, 'blocked');
    await pretrain(settings({ maxSteps: 1 }), { output });
    await writeFile(join(output, 'tensorboard'), 'a file');
    const reported: string[] = [];
    const onEvent = tensorboardLog((message) => reported.push(message));
    const { outcome } = await pretrain(settings({ maxSteps: 0 }), { output, resume: true, onEvent });
    expect(outcome).toBe('finished');
    expect(reported).toEqual([
      expect.stringMatching(
        /^no TensorBoard events are written any more: (something else is there already|a folder is needed, this is a file): .*tensorboard/,
      ),
    ]);
  });
});
