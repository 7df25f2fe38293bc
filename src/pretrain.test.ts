import { copyFile, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../tests/support/temporary-folder.ts';
import { tinyImages, tinySettings } from '../tests/support/tiny-run.ts';
import type { ConfigInput } from './config/schema.ts';
import { parseConfig } from './config/schema.ts';
import type { Engine } from './engines/engine.ts';
import { referenceEngine } from './engines/reference/engine.ts';
import { evaluate } from './evaluate/evaluator.ts';
import { heldOutScores } from './evaluate/held-out.ts';
import { readRows } from './io/jsonl.ts';
import { pretrain, type RunOptions } from './pretrain.ts';
import { report } from './report/report.ts';
import { readCheckpoint } from './run/checkpoint.ts';
import { openData } from './run/data.ts';
import type { PretrainEvent } from './run/events.ts';
import { readMetrics } from './run/metrics.ts';
import { setUp } from './run/setup-pretrain.ts';
import { exportModel } from './weights/out/export.ts';

const folder = temporaryFolder();
const images = join(folder, 'images');
let runs = 0;
beforeAll(async () => {
  await tinyImages(images, 24);
});

async function train(more: ConfigInput = {}, options: Partial<RunOptions> = {}) {
  const events: PretrainEvent[] = [];
  const output = options.output ?? join(folder, `run-${runs++}`);
  const settings = tinySettings(`classes:${images}`, {
    ...more,
    training: { epochs: 1, ...more.training },
    evaluation: { reconstructions: 0, ...more.evaluation },
  });
  const onEvent = (event: PretrainEvent) => events.push(event);
  const result = await pretrain(settings, { onEvent, ...options, output });
  const notes = events.flatMap((event) => (event.type === 'note' ? [event.message] : []));
  return { ...result, output, events, notes, rows: await readMetrics(result.folder) };
}

/** The reference engine, but a tensor of some steps is not finite. */
function failing(steps: readonly number[]): Engine {
  return {
    ...referenceEngine,
    async open(state) {
      const session = await referenceEngine.open(state);
      const { step } = session;
      let calls = 0;
      session.step = async (...args) => {
        if (!steps.includes(++calls)) return step.apply(session, args);
        return { metrics: { loss: Number.NaN }, gradientNorm: Number.NaN, nonFinite: 'grad:norm.weight' };
      };
      return session;
    },
  };
}

/** The reference engine, but answers come late, and two steps may wait for theirs; `most` counts how many did. */
function pipelined(): Engine & { most: number } {
  return {
    ...referenceEngine,
    most: 0,
    async open(state) {
      const session = await referenceEngine.open(state);
      const { step } = session;
      let waiting = 0;
      return Object.assign(session, {
        stepsAtOnce: 2,
        step: async (...args: Parameters<typeof step>) => {
          this.most = Math.max(this.most, ++waiting);
          const result = await step.apply(session, args);
          await new Promise((resolve) => setTimeout(resolve, 20));
          waiting--;
          return result;
        },
      });
    },
  };
}

describe('pretrain', () => {
  it('leaves a run folder', async () => {
    const { output, rows, outcome, step, checkpoint } = await train({
      training: { epochs: 2 },
      evaluation: { reconstructions: 2, knnEvery: 1 },
    });
    expect({ outcome, step }).toEqual({ outcome: 'finished', step: 8 });
    expect((await readdir(output)).sort()).toEqual([
      'checkpoints',
      'config.json',
      'curves.svg',
      'metrics.jsonl',
      'reconstructions',
      'sittings.jsonl',
    ]);
    // Checkpoints every 2 steps, two of them kept; a picture at the end of each epoch.
    expect(await readdir(join(output, 'checkpoints'))).toEqual([
      'step-00000006.safetensors',
      'step-00000008.safetensors',
    ]);
    expect(checkpoint).toBe(join(output, 'checkpoints', 'step-00000008.safetensors'));
    expect(await readdir(join(output, 'reconstructions'))).toEqual([
      'step-00000004.png',
      'step-00000008.png',
    ]);
    expect(parseConfig(JSON.parse(await readFile(join(output, 'config.json'), 'utf8'))).training.epochs).toBe(
      2,
    );
    expect(rows.map((row) => row.step)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    // Six held-out images are too few to judge by: each of the 18 others is classified by all of them.
    expect(rows[0]!.knn).toEqual({
      k: 10,
      features: expect.any(Number),
      random: expect.any(Number),
      pixels: 1,
      train: 17,
      test: 18,
      leaveOneOut: true,
    });
    expect(rows.at(-1)!.knn).toEqual({
      k: 10,
      features: expect.any(Number),
      train: 17,
      test: 18,
      leaveOneOut: true,
    });
    const [sitting, ...more] = await readRows(join(output, 'sittings.jsonl'));
    expect(more).toEqual([]);
    expect(sitting).toMatchObject({
      source: expect.stringContaining('classes:'),
      images: 18,
      testImages: 18,
      folds: 18,
    });
    expect(Date.now() - Date.parse(sitting!.date as string)).toBeLessThan(600_000);
    expect(sitting!.version).toMatch(/^\d+\.\d+/);
    expect(await readFile(join(output, 'curves.svg'), 'utf8')).toContain('>kNN top-1</text>');
    for (const row of rows.slice(1))
      expect(Object.keys(row)).toEqual(
        expect.arrayContaining([
          'loss',
          'centre',
          'edge',
          'lr',
          'gradientNorm',
          'imagesPerSecond',
          'seconds',
        ]),
      );
    expect(rows.filter((row) => row.heldOutLoss !== undefined).map((row) => row.step)).toEqual([4, 8]);
    expect(rows[1]!.lr).toBe(0); // the warm-up's first step
    expect(rows[3]!.lr).toBeCloseTo((0.1 * 4) / 256, 10); // its end: half an epoch of 4 steps
  });

  it('shows the scores of held-out images beside each other', async () => {
    const { rows } = await train();
    expect(rows.at(-1)).toMatchObject({ psnr: expect.any(Number), psnrOfMeans: expect.any(Number) });
    const hog = await train({ model: { target: 'hog' }, task: { name: 'masked' } });
    expect(hog.rows.at(-1)).toMatchObject({ heldOutLoss: expect.any(Number) });
    expect(hog.rows.at(-1)).not.toHaveProperty('psnr');
  });

  it('learns', async () => {
    // Raw pixels as targets: of noise around a colour, the colour can be learned.
    const { rows } = await train({
      model: { target: 'none' },
      task: { name: 'masked' },
      training: { epochs: 8, learningRate: 1 },
    });
    const heldOut = rows.flatMap((row) => row.heldOutLoss ?? []);
    expect(heldOut.at(-1)).toBeLessThan(0.8 * rows[0]!.loss!);
  });

  it('repeats itself, and changes with the seed', async () => {
    const losses = async (seed: number) => (await train({ seed })).rows.map((row) => row.loss);
    const first = await losses(3);
    expect(await losses(3)).toEqual(first);
    expect(await losses(4)).not.toEqual(first);
  });

  it('averages the parts of a batch', async () => {
    const [whole, parts] = [await train(), await train({ training: { microBatch: 2 } })];
    whole.rows.forEach((row, i) => {
      expect(parts.rows[i]!.loss).toBeCloseTo(row.loss!, 6);
      expect(parts.rows[i]!.gradientNorm).toBeCloseTo(row.gradientNorm!, 6);
    });
  });

  it('stops after max-steps with the schedule of all epochs', async () => {
    const [long, short] = [await train(), await train({ training: { maxSteps: 3 } })];
    expect({ outcome: short.outcome, step: short.step }).toEqual({ outcome: 'max-steps', step: 3 });
    expect(short.rows.map((row) => row.lr)).toEqual(long.rows.slice(0, 3).map((row) => row.lr));
  });

  it('judges its end, wherever in an epoch it is', async () => {
    const { rows } = await train({ training: { maxSteps: 2 }, evaluation: { knnEvery: 9 } });
    expect(rows.at(-1)).toMatchObject({ step: 2, heldOutLoss: expect.any(Number) });
    expect(rows.at(-1)!.knn).toMatchObject({ features: expect.any(Number) });
  });

  it('draws its end, also where a checkpoint is due then', async () => {
    const { output } = await train({ training: { maxSteps: 2 }, evaluation: { reconstructions: 1 } });
    expect(await readdir(output)).toContain('curves.svg');
    expect(await readdir(join(output, 'reconstructions'))).toEqual(['step-00000002.png']);
  });

  it('clips gradients', async () => {
    const { rows, checkpoint } = await train({ training: { clip: 1e-6 } });
    expect(rows[2]!.gradientNorm).toBeGreaterThan(1e-3); // before clipping
    const { state } = await readCheckpoint(checkpoint);
    const moments = Object.entries(state).filter(([name]) => name.startsWith('m:'));
    for (const [, m] of moments) expect(Math.hypot(...(m as Float32Array))).toBeLessThan(1e-6);
  });

  it('stops where something is not finite, and names it and the last checkpoint', async () => {
    const output = join(folder, 'not-finite');
    const run = train({}, { output, engine: failing([3]) });
    await expect(run).rejects.toThrow(/^step 3: grad:norm\.weight must be finite/);
    await expect(run).rejects.toThrow(
      /last good checkpoint is .*step-00000002\.safetensors: continue from it with --resume/,
    );
    expect(await readdir(output)).not.toContain('.lock');
  });

  it('asks for the next update early, but not beyond one whose state is saved', async () => {
    const every3 = { training: { epochs: 2 }, checkpoints: { every: 3, keep: 9 } };
    const [one, two] = [{ ...referenceEngine }, pipelined()];
    const [serial, ahead] = [await train(every3, { engine: one }), await train(every3, { engine: two })];
    expect(two.most).toBe(2);
    const measured = { imagesPerSecond: 0, seconds: 0 };
    const plain = (run: typeof serial) => run.rows.map((row) => ({ ...row, ...measured }));
    expect(plain(ahead)).toEqual(plain(serial));
    for (const step of [3, 6, 8]) {
      const file = join('checkpoints', `step-0000000${step}.safetensors`);
      const [a, b] = [await readFile(join(serial.output, file)), await readFile(join(ahead.output, file))];
      expect(b.equals(a), file).toBe(true);
    }
    const skipping = pipelined();
    await train({ training: { nonFinite: 'skip' } }, { engine: skipping });
    expect(skipping.most).toBe(1);
  });

  it('leaves checkpoints at the ends of epochs 50 steps apart or more, and of those to keep', async () => {
    const checkpoints = { every: 0, keep: 1, keepEvery: 5 };
    const { output } = await train({ training: { epochs: 28 }, checkpoints });
    const epochs = (await readdir(join(output, 'checkpoints'))).map((name) => Number(name.slice(5, 13)) / 4);
    expect(epochs).toEqual([5, 10, 15, 20, 25, 28]);
    const usual = await train({ training: { epochs: 28 }, checkpoints: { every: 0, keep: 9 } });
    const sparse = (await readdir(join(usual.output, 'checkpoints'))).map((name) =>
      Number(name.slice(5, 13)),
    );
    expect(sparse).toEqual([52, 104, 112]);
  });

  it('skips an update that is not finite, if the settings say so', async () => {
    const { rows, checkpoint } = await train({ training: { nonFinite: 'skip' } }, { engine: failing([3]) });
    expect(rows[2]).toMatchObject({ step: 3, loss: null, skipped: 'grad:norm.weight' });
    expect((await readCheckpoint(checkpoint)).progress).toMatchObject({ step: 4, skipped: 1 });
  });

  it('fits a batch to few images, says so, and keeps what it trained with', async () => {
    const { rows, notes, output } = await train({ training: { batchSize: 100, epochs: 1 } });
    expect(notes).toContain(
      'batch of 4 images: 100 do not fit the 18 training images (--batch-size N sets another)',
    );
    expect(rows.at(-1)!.step).toBe(4);
    const kept = JSON.parse(await readFile(join(output, 'config.json'), 'utf8'));
    expect(kept.training.batchSize).toBe(4);
  });

  it('refuses what cannot work, before it leaves anything', async () => {
    const output = join(folder, 'refused');
    const refused: [ConfigInput, string][] = [
      [{ data: { source: '' } }, 'a run needs images, got none'],
      [{ data: { source: join(folder, 'nowhere') } }, 'the data folder must exist'],
      [{ task: { name: 'maskd' as 'masked' } }, 'task.name must be one of'],
      [
        { model: { channels: 1 }, data: { mean: [0], std: [1] }, task: { name: 'de-colorized' } },
        'de-colorized',
      ],
    ];
    for (const [more, message] of refused) {
      const base = tinySettings(images, more);
      await expect(
        pretrain({ ...base, model: { ...base.model, ...more.model } }, { output }),
      ).rejects.toThrow(message);
    }
    await expect(readdir(output)).rejects.toThrow('ENOENT');
  });

  it('refuses a folder that is in use, and says both ways out', async () => {
    const output = join(folder, 'used');
    await mkdir(output);
    await writeFile(join(output, 'notes.txt'), '');
    const run = train({}, { output });
    await expect(run).rejects.toThrow(/with notes\.txt in it.*--resume.*--output/);
    await expect(train({}, { output, resume: true })).rejects.toThrow('needs a new or empty folder');
  });

  it('refuses a folder into which another run trains, which continues', async () => {
    const output = join(folder, 'shared');
    const refusals: Promise<unknown>[] = [];
    const onEvent = ({ type }: PretrainEvent) => {
      if (type === 'step' && refusals.length === 0)
        refusals.push(train({}, { output, resume: true }).catch((error: Error) => error.message));
    };
    expect((await train({}, { output, onEvent })).outcome).toBe('finished');
    expect(await refusals[0]).toMatch(/^one process at a time may train into a folder, got .*shared, /);
    expect((await train({}, { output, resume: true })).outcome).toBe('finished');
  });

  it('makes nothing of hidden files', async () => {
    const output = join(folder, 'hidden');
    await mkdir(output);
    await writeFile(join(output, '.lock'), '{"pid":'); // of a process that was killed at once
    await writeFile(join(output, '.config.json.0123456789ab.tmp'), '{');
    expect((await train({}, { output, resume: true })).outcome).toBe('finished');
    expect((await readdir(output)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('continues in a folder that lies among its images', async () => {
    const source = join(folder, 'among');
    await tinyImages(source, 12);
    const output = join(source, 'runs', 'mine');
    const more = { data: { source }, evaluation: { reconstructions: 2 } };
    expect((await train({ ...more, training: { maxSteps: 1 } }, { output })).outcome).toBe('max-steps');
    expect(await readdir(join(output, 'reconstructions'))).toHaveLength(1);
    expect((await train({ ...more, training: { maxSteps: 2 } }, { output, resume: true })).step).toBe(2);
  });

  it('skips broken images by name', async () => {
    const source = join(folder, 'broken');
    await tinyImages(source, 12);
    await writeFile(join(source, 'class0', 'zzz.png'), 'no image');
    const { notes, outcome } = await train({ data: { source } });
    expect(outcome).toBe('finished');
    expect(notes.filter((note) => note.includes('broken image skipped'))).toHaveLength(1);
    expect(notes.join()).toContain(join('class0', 'zzz.png'));
  });

  it('starts from the weights of another run', async () => {
    const first = await train();
    const { rows, notes } = await train({ task: { name: 'masked' } }, { initFrom: first.checkpoint });
    expect(notes.join()).toMatch(/^\d+ weights loaded from/);
    const fresh = await train({ task: { name: 'masked' } });
    expect(rows[0]!.loss).not.toBe(fresh.rows[0]!.loss);
    const resumed = train({}, { output: first.output, resume: true, initFrom: first.checkpoint });
    await expect(resumed).rejects.toThrow(/a run must keep its settings, got from "" → ".*--init-from$/);
  });

  it('says in its settings, its report and its model card what it started from', async () => {
    const first = await train();
    const { output, checkpoint } = await train({}, { initFrom: first.output });
    expect(JSON.parse(await readFile(join(output, 'config.json'), 'utf8')).from).toBe(first.output);
    const page = join(folder, 'page.md');
    await report([output], { output: page });
    expect(await readFile(page, 'utf8')).toContain(`| ${basename(first.output)} |`);
    await exportModel(checkpoint, { output: join(folder, 'exported'), format: 'timm' });
    const card = await readFile(join(folder, 'exported', 'README.md'), 'utf8');
    expect(card).toContain(`| started from | ${basename(first.output)} |`);
    expect(card).not.toContain(folder);
  });

  it('starts from those weights again when it was killed before it saved any, or says that they are gone', async () => {
    const weights = join(folder, 'weights.safetensors');
    await copyFile((await train()).checkpoint, weights);
    const whole = await train({}, { initFrom: weights });
    const output = join(folder, 'killed-early');
    const onEvent = ({ type }: PretrainEvent) => {
      if (type === 'start') throw new Error('killed');
    };
    await expect(train({}, { output, initFrom: weights, onEvent })).rejects.toThrow('killed');
    expect(await readdir(join(output, 'checkpoints'))).toEqual([]);
    await rename(weights, `${weights}.moved`);
    await expect(train({}, { output, resume: true })).rejects.toThrow(`${weights}: no such file or folder`);
    await rename(`${weights}.moved`, weights);
    const resumed = await train({}, { output, resume: true });
    expect((await readCheckpoint(resumed.checkpoint)).state).toEqual(
      (await readCheckpoint(whole.checkpoint)).state,
    );
    expect((await train({}, { output, resume: true, initFrom: weights })).outcome).toBe('finished'); // the same
  });

  it('continues from those weights when it was killed before it saved others', async () => {
    const initFrom = (await train()).checkpoint;
    const evaluation = { knnEvery: 1 };
    const whole = await train({ evaluation }, { initFrom });
    const output = join(folder, 'killed');
    const onEvent = ({ type }: PretrainEvent) => {
      if (type === 'knn') throw new Error('killed');
    };
    await expect(train({ evaluation }, { output, initFrom, onEvent })).rejects.toThrow('killed');
    const resumed = await train({ evaluation }, { output, resume: true });
    expect(resumed.rows[0]).toEqual(whole.rows[0]);
    expect((await readCheckpoint(resumed.checkpoint)).state).toEqual(
      (await readCheckpoint(whole.checkpoint)).state,
    );
  });

  it('says once that the engine changed', async () => {
    const output = join(folder, 'engines');
    const other = { ...referenceEngine, description: 'another' };
    const notes = async (maxSteps: number, engine: Engine) =>
      (await train({ training: { maxSteps } }, { output, resume: true, engine })).notes.join();
    await notes(1, referenceEngine);
    expect(await notes(2, other)).toContain(`the engine was ${referenceEngine.description} and is another`);
    expect(await notes(3, other)).not.toContain('the engine was');
  });
});

it('the held-out loss weighs every image once, whatever the batch', async () => {
  const config = parseConfig(tinySettings(`classes:${images}`));
  const setup = setUp(config);
  const { heldOut } = await openData(config);
  const { initialise } = await import('./nn/init.ts');
  const session = await referenceEngine.open(initialise(setup.programs(1).specs, 1));
  const loss = async (batchSize: number) =>
    Object.values(await evaluate(heldOutScores(setup, heldOut!, { batchSize }), session));
  const one = await loss(1);
  expect(one).toHaveLength(3);
  for (const batchSize of [4, 6, 7])
    for (const [i, value] of (await loss(batchSize)).entries()) expect(value).toBeCloseTo(one[i]!, 5);
});
