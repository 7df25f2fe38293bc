import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokenImages } from '../src/data/load/broken.ts';
import { openDataset } from '../src/data/sources/open.ts';
import { packImages } from '../src/data/sources/pack.ts';
import { referenceEngine } from '../src/engines/reference/engine.ts';
import { knn } from '../src/evaluate/knn/knn-report.ts';
import { linprobe } from '../src/evaluate/probe/linprobe.ts';
import { finetune } from '../src/finetune.ts';
import { toFloat32 } from '../src/io/dtypes.ts';
import { readRows } from '../src/io/jsonl.ts';
import { readSafetensors } from '../src/io/safetensors.ts';
import { pretrain } from '../src/pretrain.ts';
import { reconstruct } from '../src/reconstruct.ts';
import { report } from '../src/report/report.ts';
import type { FinetuneEvent, PretrainEvent } from '../src/run/events.ts';
import { readMetrics } from '../src/run/metrics.ts';
import { remainder } from '../src/study/estimate.ts';
import { keptPlan, openPlan } from '../src/study/images.ts';
import { readStudy } from '../src/study/schema.ts';
import { writeStudyPage } from '../src/study/study.ts';
import { inspectModel } from '../src/weights/inspect.ts';
import { exportModel } from '../src/weights/out/export.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

/*
 * Files of the version of November 2026, written by tests/support/make-before-seams.mjs. Any later version must read them, and end
 * the runs in them where that version ended them.
 *
 * Machines differ in the last digits. `EXACT=1 npx vitest run tests/before-seams.test.ts` asks for the same bits, which
 * the machine that wrote the fixtures gives.
 */
const exact = process.env.EXACT === '1';
const folder = temporaryFolder();
const at = (...parts: string[]) => join(folder, ...parts);
const names = await readdir(fileURLToPath(new URL('fixtures/before-seams/trained', import.meta.url)));
const cwd = process.cwd();

beforeAll(async () => {
  await cp(fileURLToPath(new URL('fixtures/before-seams', import.meta.url)), folder, { recursive: true });
  process.chdir(folder); // the runs name their images by relative paths
});
afterAll(() => process.chdir(cwd));

/**
 * How far things may be from the recorded ones: losses and gradients relative to them, weights relative to the largest one of their
 * tensor, top-1 in [0, 1].
 */
interface Tolerance {
  readonly losses: number;
  readonly weights: number;
  readonly top1: number;
}
// The onnx runs on the wasm and reference engines: losses 2e-7 apart, weights 7e-6, the same top-1.
const tolerances: Readonly<Record<string, Tolerance>> = {
  reference: { losses: 1e-6, weights: 1e-6, top1: 0 },
  onnx: { losses: 1e-6, weights: 5e-5, top1: 0.12 },
};

function expectSame(got: unknown, expected: unknown, tolerance: Tolerance, path: string): void {
  if (exact || typeof expected !== 'object' || expected === null) {
    if (exact || typeof expected !== 'number') expect(got, path).toEqual(expected);
    else {
      const most = /knn|top1/i.test(path) ? tolerance.top1 : tolerance.losses * Math.abs(expected);
      expect(
        Math.abs((got as number) - expected),
        `${path}: ${got}, recorded ${expected}`,
      ).toBeLessThanOrEqual(most);
    }
    return;
  }
  expect(Object.keys(got as object), path).toEqual(Object.keys(expected));
  for (const [key, value] of Object.entries(expected))
    expectSame((got as Record<string, unknown>)[key], value, tolerance, `${path}.${key}`);
}

describe('a run of an earlier version', () => {
  it.each(names)('ends where that version ended it: %s', async (name) => {
    const output = at('resumed', name);
    await cp(at('trained', name), output, { recursive: true });
    const { kind, data, engine } = JSON.parse(await readFile(join(output, 'config.json'), 'utf8'));
    const notes: string[] = [];
    const onEvent = (event: PretrainEvent | FinetuneEvent) => {
      if (event.type === 'note') notes.push(event.message);
    };
    const moved = { source: data.source.replace(/(?<=:)/, `${folder}/`) };
    const longer = name === 'finished' ? { epochs: 2 } : {};
    const {
      outcome,
      checkpoint,
      folder: files,
    } = await (kind === 'finetune' ? finetune : pretrain)(
      { data: moved, training: longer },
      { output, resume: true, scoreCache: false, onEvent },
    );
    expect(outcome).toBe(name === 'zoomed-in' ? 'max-steps' : 'finished');
    const expectedNotes =
      /^(changed setting: (data\.source|training\.epochs) |broken image skipped: class1.torn)/;
    expect(notes.filter((note) => !expectedNotes.test(note))).toEqual(
      name === 'distorted' ? [expect.stringContaining('steps 7 to 7 are computed again')] : [],
    );
    // Later versions measure more: PSNR and the label-free panel.
    const rows = (await readMetrics(files)).map(
      ({ seconds, imagesPerSecond, psnr, psnrOfMeans, panel, ...row }) => row,
    );
    const recorded = await readRows(join(output, 'expected.jsonl'));
    const tolerance = tolerances[engine.name as string]!;
    expectSame(rows, recorded, tolerance, 'rows');
    await expectTensors(checkpoint, join(output, 'expected.safetensors'), tolerance);
  });
});

describe('commands, of a run of an earlier version', () => {
  const run = 'trained/masked+zoomed-in';
  const recorded = async (name: string) => JSON.parse(await readFile(at('outputs', name), 'utf8'));

  it('knn', async () => {
    const got = await knn(run, { featureCache: false, engine: referenceEngine });
    expect(got).toEqual(await recorded('knn.json'));
  });

  it('inspect', async () => {
    expect((await inspectModel(run)).parts).toEqual(await recorded('parts.json'));
  });

  it('reconstruct', async () => {
    const decoded = (picture: string | Buffer): Promise<Picture> =>
      sharp(picture).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const was = await decoded(at('outputs', 'reconstructions.png'));
    const got = await decoded(await reconstruct(run, { count: 2, given: true }));
    // Then, pictures took the statistics of the original's patches: the column of them is the fourth of five now, and was the third of three.
    // Titles of columns may have more lines now: the first two columns lie lower.
    const lower = Array.from({ length: 60 }, (_, by) => by).find(
      (by) => apart(was, got, [0, 2 * PITCH], 0, by) <= 1,
    );
    expect(lower).toBeDefined();
    expect(apart(was, got, [2 * PITCH, 3 * PITCH], PITCH, lower!)).toBeLessThanOrEqual(exact ? 0 : 1);
  });

  it('export', async () => {
    await exportModel(run, { format: 'huggingface', part: 'autoencoder', output: at('hf') });
    const written = at('outputs', 'huggingface.safetensors');
    await expectTensors(at('hf', 'model.safetensors'), written, { losses: 0, weights: 0, top1: 0 });
    const { check } = await exportModel(run, { format: 'onnx', output: at('onnx') });
    expect(check!.difference).toBeLessThan(1e-4);
  });

  it('report', async () => {
    const runs = [...names.map((name) => at('trained', name)), 'judged/knn', 'judged/linprobe'];
    const { unreadable } = await report(runs, { output: at('report.md') });
    expect(unreadable).toEqual([]);
    const page = await readFile(at('report.md'), 'utf8');
    for (const name of names) expect(page).toContain(name);
    expect(page).toMatch(/^\| linear \| 42 % /m);
    expect(page).toMatch(/^\| kNN, k 20 \| 67 % /m);
  });
});

describe('judges in folders of an earlier version are the same again', () => {
  const run = 'trained/masked+zoomed-in';
  const reference = { featureCache: false as const, engine: referenceEngine };
  const rows = (judge: string) => readRows(at('judged', judge, 'metrics.jsonl'));

  it('knn', async () => {
    const before = await rows('knn');
    await knn(run, { ...reference, output: 'judged/knn' });
    expect(await rows('knn')).toEqual(before);
  });

  it('linprobe', async () => {
    const before = await rows('linprobe');
    const settings = { epochs: 4, warmupEpochs: 0, batchSize: 8, learningRates: [0.1, 1] };
    await linprobe(run, { ...reference, settings, output: 'judged/linprobe' });
    expectSame(await rows('linprobe'), before, tolerances.reference!, 'rows');
  });
});

it('a pack of an earlier version is opened, and known to hold the images that it was made of', async () => {
  expect((await openDataset('packed:pack')).length).toBe(24);
  const images = await openDataset('classes:pictures');
  expect(
    await packImages(images, 'pack', { resize: 18, channels: 3, broken: new BrokenImages() }),
  ).toMatchObject({ existed: true });
});

it('pieces that an earlier version kept are finished, and their page is the same', async () => {
  const study = await readStudy('study.json');
  const places = { output: 'study', keep: 'kept' };
  for (const plan of [await openPlan(study), await keptPlan(study, 'kept')])
    expect(await remainder(plan, places)).toMatchObject({ finished: 28, flops: 0 });
  await writeStudyPage(study, await keptPlan(study, 'kept'), places, 'again.md');
  const [got, was] = await Promise.all(['again.md', 'page.md'].map((name) => readFile(name, 'utf8')));
  const numbers = (page: string) => page.match(/^\| .*\d.*$/gm);
  expect(numbers(got!)).toEqual(numbers(was!));
});

/** Compares the tensors of two files, each on the scale of its tensor. */
async function expectTensors(path: string, expected: string, { weights }: Tolerance): Promise<void> {
  const [got, recorded] = await Promise.all([path, expected].map((file) => readSafetensors(file)));
  for (const [name, tensor] of recorded!.tensors) {
    const [is, was] = [got!.tensors.get(name)!, tensor].map(toFloat32);
    const scale = was!.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const apart = was!.reduce((most, value, i) => Math.max(most, Math.abs(value - is![i]!)), 0);
    expect(is!.length, name).toBe(was!.length);
    expect(apart, name).toBeLessThanOrEqual(exact ? 0 : weights * scale);
  }
}

interface Picture {
  readonly data: Buffer;
  readonly info: { readonly width: number; readonly height: number };
}

/** The place of the first picture in the recorded sheet, the end of the last row, and the distance of columns. */
const [LEFT, TOP, BOTTOM, PITCH] = [70, 37, 301, 136];

/**
 * The largest difference of two pictures in these columns of pixels, right of the titles of the rows, where the second one lies further right
 * and lower.
 */
function apart(
  was: Picture,
  got: Picture,
  [from, to]: readonly [number, number],
  right: number,
  lower: number,
) {
  let most = 0;
  for (let y = TOP; y < BOTTOM; y++)
    for (let x = LEFT + from; x < LEFT + to && x < was.info.width; x++) {
      const pixel = ({ data, info }: Picture, y: number, x: number) =>
        [0, 1, 2].map((c) => data[3 * (y * info.width + x) + c]!);
      const [before, now] = [pixel(was, y, x), pixel(got, y + lower, x + right)];
      // Since then pictures have a thin grey frame, where the sheet was white, and a line of white in black around a zoomed-in view.
      const isLine = [0, 255].some((level) => now.every((value) => value === level));
      const isFrame = before.every((value) => value === 255) && now.every((value) => value === 208);
      if (!isLine && !isFrame) most = Math.max(most, ...before.map((value, c) => Math.abs(value - now[c]!)));
    }
  return most;
}
