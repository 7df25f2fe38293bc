import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { tinyImages, tinySettings } from '../../tests/support/tiny-run.ts';
import type { ConfigInput } from '../config/schema.ts';
import type { Engine } from '../engines/engine.ts';
import { referenceEngine } from '../engines/reference/engine.ts';
import { knnOfCheckpoints } from '../evaluate/knn/knn-checkpoints.ts';
import { readRows } from '../io/jsonl.ts';
import { pretrain } from '../pretrain.ts';
import { readRun } from '../report/run.ts';
import { readCheckpoint } from '../run/checkpoint.ts';
import { findWeights } from '../run/folder.ts';
import { readMetrics } from '../run/metrics.ts';

const folder = temporaryFolder();
const images = join(folder, 'images');
let runs = 0;
beforeAll(() => tinyImages(images, 48));

/** Trains for three epochs of nine steps. */
async function train(more: ConfigInput = {}, source = `classes:${images}`, engine?: Engine) {
  const output = join(folder, `run-${runs++}`);
  const notes: string[] = [];
  const settings = tinySettings(source, { ...more, evaluation: { reconstructions: 0, ...more.evaluation } });
  const { checkpoint, folder: files } = await pretrain(settings, {
    output,
    ...(engine && { engine }),
    onEvent: (event) => {
      if (event.type === 'note') notes.push(event.message);
    },
  });
  return { output, notes, checkpoint, rows: await readMetrics(files) };
}

const number = expect.any(Number);

describe('measures beside training', () => {
  it('stand in the rows of epochs: PSNR beside that of means, the panel, at its end with LiDAR', async () => {
    const { rows } = await train();
    const measured = rows.filter(({ panel }) => panel);
    expect(measured.map(({ step }) => step)).toEqual([9, 18, 27]);
    for (const { psnr, psnrOfMeans, panel } of measured) {
      expect(psnr).toBeGreaterThan(0);
      expect(psnrOfMeans).toBeGreaterThan(0);
      expect(panel).toMatchObject({ images: 36, rankMe: number, meanCosine: number, linear: number });
    }
    expect(measured.map(({ panel }) => panel!.lidar)).toEqual([undefined, undefined, number]);
  });

  it('are taken every few epochs, and at the end', async () => {
    const { rows } = await train({ evaluation: { panelEvery: 2, panelImages: 8 } });
    expect(rows.filter(({ panel }) => panel).map(({ step }) => step)).toEqual([18, 27]);
    expect(rows.at(-1)!.panel!.images).toBe(8);
  });

  it('held-out losses and their pictures likewise', async () => {
    const { rows, output } = await train({ evaluation: { every: 2, reconstructions: 1 } });
    const at = (key: 'heldOutLoss' | 'psnr') => rows.filter((row) => row[key] !== undefined);
    expect(at('heldOutLoss').map(({ step }) => step)).toEqual([18, 27]);
    expect(at('psnr').map(({ step }) => step)).toEqual([18, 27]);
    expect(await readdir(join(output, 'reconstructions'))).toHaveLength(2);
  });

  it.each(['reference', 'onnx'] as const)('leave the weights as they are, bit for bit: %s', async (name) => {
    const settings = { engine: { name }, training: { epochs: 2 } } as ConfigInput;
    const [without, beside] = [
      await train({ ...settings, evaluation: { panelEvery: 0, heldOutImages: 0 } }),
      await train({ ...settings, evaluation: { panelEvery: 1 } }),
    ];
    expect(without.rows.every(({ panel, psnr }) => panel === undefined && psnr === undefined)).toBe(true);
    const [one, other] = [await readCheckpoint(without.checkpoint), await readCheckpoint(beside.checkpoint)];
    expect(Object.keys(one.state).length).toBeGreaterThan(10);
    expect(other.state).toEqual(one.state);
    expect(beside.rows.map(({ loss }) => loss)).toEqual(without.rows.map(({ loss }) => loss));
  });

  it('warn once of features that have collapsed', async () => {
    const same = join(folder, 'same');
    await mkdir(same);
    for (let i = 0; i < 12; i++)
      await sharp({ create: { width: 12, height: 10, channels: 3, background: '#4070a0' } })
        .png({ compressionLevel: i % 9 })
        .toFile(join(same, `${i}.png`));
    const { notes, rows } = await train({}, same);
    expect(notes.filter((note) => note.startsWith('the features have collapsed'))).toHaveLength(1);
    expect(rows.at(-1)!.panel).toMatchObject({
      rankMe: expect.closeTo(1, 2),
      meanCosine: expect.closeTo(1, 4),
    });
    expect((await train()).notes.join()).not.toContain('collapsed');
  });
});

it('a panel that cannot be measured ends no run', async () => {
  const { rows, notes } = await train({}, undefined, {
    ...referenceEngine,
    async open(state) {
      const session = await referenceEngine.open(state);
      const { run } = session;
      session.run = async (program, inputs) => {
        const outputs = await run.call(session, program, inputs);
        for (const name of ['features', 'tokens']) outputs[name]?.fill(Number.NaN);
        return outputs;
      };
      return session;
    },
  });
  expect(rows.at(-1)).toMatchObject({ step: 27, heldOutLoss: number });
  expect(rows.some(({ panel }) => panel)).toBe(false);
  expect(notes.filter((note) => note.startsWith('no label-free measures after epoch'))).toHaveLength(3);
  expect(notes.join()).toContain('after epoch 1: features must be finite numbers, got NaN');
});

it.each([1, 2])('images of %d classes have judges from two on', async (classes) => {
  const source = join(folder, `of-${classes}`);
  await tinyImages(source, 12, classes);
  const judged: boolean[] = [];
  await pretrain(
    tinySettings(`classes:${source}`, { training: { epochs: 1 }, evaluation: { reconstructions: 0 } }),
    {
      output: join(folder, `judged-${classes}`),
      onEvent: (event) => {
        if (event.type === 'start') judged.push(event.labelled);
      },
    },
  );
  expect(judged).toEqual([classes > 1]);
});

describe('checkpoints', () => {
  it('of every second epoch stay beside the newest', async () => {
    const { output } = await train({
      training: { epochs: 5 },
      checkpoints: { keepEvery: 2, keep: 1, every: 4 },
    });
    const names = (await readdir(join(output, 'checkpoints'))).sort();
    expect(names).toEqual([18, 36, 45].map((step) => `step-000000${step}.safetensors`));
    const reports = await knnOfCheckpoints(output, { output: join(folder, 'knn'), featureCache: false });
    expect(reports.map(({ step }) => step)).toEqual([18, 36, 45]);
    expect(reports.every(({ features }) => Object.values(features).every((value) => value >= 0))).toBe(true);
    const rows = await readRows(join(folder, 'knn', 'metrics.jsonl'));
    expect(rows.map(({ step }) => step)).toEqual([18, 36, 45]);
    const { kind, rows: read } = await readRun(join(folder, 'knn'), 'knn');
    expect(kind.panels.map(({ points }) => points(read).length)).toEqual([3]);
    for (const path of [join(output, 'checkpoints', names[0]!), 'micro-cifar10'])
      await expect(knnOfCheckpoints(path)).rejects.toThrow(
        `the checkpoints of a run (--checkpoints) need its folder, got ${path}: name the folder, or leave`,
      );
  });

  it.each(['heldOutLoss', 'rankMe', 'linear'] as const)('the best by %s is kept, and used', async (best) => {
    const { output, rows } = await train({ evaluation: { best } });
    const values = rows.flatMap(({ step, heldOutLoss, panel }) => {
      const value = { heldOutLoss: -heldOutLoss!, rankMe: panel?.rankMe, linear: panel?.linear }[best];
      return panel ? [[step, value!] as const] : [];
    });
    const most = Math.max(...values.map(([, value]) => value));
    const path = await findWeights(output);
    expect(path).toBe(join(output, 'checkpoints', 'best.safetensors'));
    expect((await readCheckpoint(path)).progress.step).toBe(values.find(([, value]) => value === most)![0]);
  });

  it('by a measure that the run does not take are not kept: it says so', async () => {
    const { output, notes } = await train({ evaluation: { best: 'knn' } });
    expect(notes.join('\n')).toContain('evaluation.best=knn: this run does not measure it');
    expect(await readdir(join(output, 'checkpoints'))).not.toContain('best.safetensors');
  });
});
