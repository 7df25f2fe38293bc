import { cp, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { resolveConfig } from '../src/config/recipes.ts';
import type { ConfigInput } from '../src/config/schema.ts';
import { readSafetensors, writeSafetensors } from '../src/io/safetensors.ts';
import { pretrain } from '../src/pretrain.ts';
import { rng } from '../src/random/rng.ts';
import { openData } from '../src/run/data.ts';
import type { PretrainEvent } from '../src/run/events.ts';
import { listCheckpoints, runFolder } from '../src/run/folder.ts';
import { stopAt } from './support/stop-at.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyImages, tinySettings } from './support/tiny-run.ts';

// 15 updates, 5 an epoch; a checkpoint every 2 and at the end of each epoch.
const folder = temporaryFolder();
const images = join(folder, 'images');
let whole: Run;
let runs = 0;

beforeAll(async () => {
  await tinyImages(images, 27);
  const output = newOutput();
  await pretrain(settings(), { output });
  whole = await readRun(output);
  expect(whole.rows).toHaveLength(16);
});

function settings(more: ConfigInput = {}): ConfigInput {
  const checkpoints = { every: 2, keep: 2 };
  const evaluation = { knnEvery: 3, reconstructions: 1 };
  return tinySettings(`classes:${images}`, {
    checkpoints,
    evaluation,
    engine: { name: 'onnx', threads: 1 },
    ...more,
  });
}

const newOutput = () => join(folder, `run-${runs++}`);

interface Run {
  /** Rows without what depends on the clock. */
  readonly rows: Record<string, unknown>[];
  /** The newest checkpoint, byte for byte. */
  readonly checkpoint: Buffer;
  readonly pictures: string[];
}

async function readRun(output: string): Promise<Run> {
  const files = runFolder(output);
  const lines = (await readFile(files.metrics, 'utf8')).trim().split('\n');
  const rows = lines.map((line) => {
    const { seconds, imagesPerSecond, ...row } = JSON.parse(line);
    return row;
  });
  const newest = (await readdir(files.checkpoints)).sort().at(-1)!;
  return {
    rows,
    checkpoint: await readFile(join(files.checkpoints, newest)),
    pictures: (await readdir(files.reconstructions)).sort(),
  };
}

const until = (
  step: number,
  output: string,
  how: 'signal' | 'error',
  { resume = false, input = settings() } = {},
) => stopAt(step, how, (options) => pretrain(input, { output, resume, ...options }));

describe('a resumed run is the run that was never interrupted', () => {
  it.each([
    ['signal', 0],
    ['signal', 1],
    ['signal', 5],
    ['signal', 8],
    ['error', 0],
    ['error', 1],
    ['error', 4],
    ['error', 5],
    ['error', 9],
  ] as const)('stopped by %s at step %i', async (how, step) => {
    const output = newOutput();
    await until(step, output, how);
    await pretrain({}, { output, resume: true });
    expect(await readRun(output)).toEqual(whole);
  });

  it('stopped three times', async () => {
    const output = newOutput();
    await until(3, output, 'error');
    await until(7, output, 'signal', { resume: true });
    await until(12, output, 'error', { resume: true });
    await pretrain(settings(), { output, resume: true });
    expect(await readRun(output)).toEqual(whole);
  });

  it('on the reference engine', async () => {
    const input = settings({ engine: { name: 'reference' } });
    const [uninterrupted, stopped] = [newOutput(), newOutput()];
    await pretrain(input, { output: uninterrupted });
    await until(3, stopped, 'error', { input });
    await until(8, stopped, 'signal', { input, resume: true });
    await pretrain({}, { output: stopped, resume: true });
    expect(await readRun(stopped)).toEqual(await readRun(uninterrupted));
  });

  it('with images that are cut off, large and small', async () => {
    const source = join(folder, 'cut');
    await cp(images, source, { recursive: true });
    for (const [name, height] of [
      ['large', 3000],
      ['larger', 3100],
      ['largest', 3200],
      ['small', 20],
    ] as const) {
      const stream = rng(5, name);
      const pixels = Uint8Array.from({ length: 3 * 160 * height }, () => stream.int(256));
      const png = await sharp(pixels, { raw: { width: 160, height, channels: 3 } })
        .png()
        .toBuffer();
      expect(png.length > 2 ** 20).toBe(name !== 'small');
      await writeFile(join(source, 'class1', `${name}.png`), png.subarray(0, 0.7 * png.length));
    }
    const input = settings({ data: { source: `classes:${source}`, heldOut: 0, scale: [0.02, 0.1] } });
    const notes: string[] = [];
    const onEvent = (event: PretrainEvent) => {
      if (event.type === 'note' && event.message.includes('broken image')) notes.push(event.message);
    };
    const uninterrupted = newOutput();
    await pretrain(input, { output: uninterrupted, onEvent });
    const reason = 'the file is cut off, damaged, or of a kind that cannot be decoded';
    const named = ['large', 'larger', 'largest', 'small'].map(
      (name) => `broken image skipped: class1/${name}.png: ${reason}`,
    );
    expect(notes.sort()).toEqual(named);
    for (const step of [4, 8, 11]) {
      const stopped = newOutput();
      await until(step, stopped, 'signal', { input });
      notes.length = 0;
      await pretrain({}, { output: stopped, resume: true, onEvent });
      expect(await readRun(stopped)).toEqual(await readRun(uninterrupted));
      if (step >= 7) expect(notes).toEqual([]); // an epoch has met them all
    }
  });

  it('with a torn row, and a newest checkpoint that is broken', async () => {
    const output = newOutput();
    await until(9, output, 'error');
    const { metrics, checkpoints } = runFolder(output);
    await truncate(metrics, (await readFile(metrics)).length - 7);
    const newest = (await readdir(checkpoints)).sort().at(-1)!;
    await truncate(join(checkpoints, newest), 1000);
    const notes: string[] = [];
    const onEvent = (event: PretrainEvent) => event.type === 'note' && notes.push(event.message);
    await pretrain({}, { output, resume: true, onEvent });
    expect(notes.join()).toContain('broken checkpoint passed over');
    expect(await readRun(output)).toEqual(whole);
  });
});

describe('a run goes on', () => {
  const goOn = async (output: string, input: ConfigInput) => {
    const notes: string[] = [];
    const onEvent = (event: PretrainEvent) => event.type === 'note' && notes.push(event.message);
    const result = await pretrain(input, { output, resume: true, onEvent });
    return { result, notes };
  };

  it('with more epochs, and says so', async () => {
    const output = newOutput();
    await pretrain(settings({ training: { epochs: 1 } }), { output });
    const { result, notes } = await goOn(output, { training: { epochs: 2 } });
    expect(notes).toEqual(['changed setting: training.epochs 1 → 2']);
    expect(result).toMatchObject({ outcome: 'finished', step: 10 });
    expect(JSON.parse(await readFile(runFolder(output).config, 'utf8')).training.epochs).toBe(2);
  });

  it('in other parts of a batch, to the same end up to rounding', async () => {
    const output = newOutput();
    await until(7, output, 'signal');
    const { notes } = await goOn(output, { training: { microBatch: 2 } });
    expect(notes).toEqual(['changed setting: training.microBatch 0 → 2']);
    const { rows } = await readRun(output);
    expect(rows).toHaveLength(whole.rows.length);
    rows.forEach((row, i) => {
      if (i > 0) expect(row.loss, `step ${row.step}`).toBeCloseTo(whole.rows[i]!.loss as number, 4);
    });
  });

  it('after max-steps to the same end', async () => {
    const output = newOutput();
    await pretrain(settings({ training: { maxSteps: 7 } }), { output });
    await goOn(output, { training: { maxSteps: 0 } });
    const run = await readRun(output);
    // A run that ends is judged, in the middle of an epoch too.
    const [number, object] = [expect.any(Number), expect.any(Object)];
    const scores = { heldOutLoss: number, psnr: number, psnrOfMeans: number, panel: object, knn: object };
    const judged = whole.rows.map((row) => (row.step === 7 ? { ...row, ...scores } : row));
    expect(run.rows).toEqual(judged);
  });

  it('not when it is finished', async () => {
    const output = newOutput();
    await pretrain(settings({ training: { epochs: 1 } }), { output });
    const before = await readRun(output);
    expect((await goOn(output, {})).result).toMatchObject({ outcome: 'finished', step: 5 });
    expect(await readRun(output)).toEqual(before);
  });

  it('where an earlier version kept names and sizes of its images', async () => {
    const output = newOutput();
    await until(2, output, 'signal');
    const [path] = await listCheckpoints(runFolder(output));
    const { tensors, metadata } = await readSafetensors(path!);
    const { train } = await openData(resolveConfig(settings()));
    const { outline } = train.content!;
    expect(outline).toMatch(/^27-[0-9a-f]{16}\/20-[0-9a-f]{16}$/);
    const rewrite = (data: string) => {
      const progress = JSON.stringify({ ...JSON.parse(metadata.progress!), data });
      return writeSafetensors(path!, tensors, { ...metadata, progress });
    };
    await rewrite(outline.replace('27-', '28-'));
    await expect(goOn(output, {})).rejects.toThrow('a run must resume with the same images');
    await rewrite(outline);
    const { notes } = await goOn(output, {});
    expect(notes).toEqual([expect.stringContaining('the run knows its images by names and sizes')]);
    expect(await readRun(output)).toEqual(whole);
    expect((await goOn(output, { training: { epochs: 4 } })).notes).toHaveLength(1); // of the setting
  });

  it('not with settings or images of another run', async () => {
    const output = newOutput();
    const source = join(folder, 'others');
    await cp(images, source, { recursive: true });
    await until(2, output, 'signal');
    await expect(goOn(output, { training: { batchSize: 2 }, seed: 9 })).rejects.toThrow(
      /a run must keep its settings, got seed 3 → 9, training\.batchSize 4 → 2: .*--init-from/,
    );
    await expect(goOn(output, { recipe: 'imagenet-base-masked' })).rejects.toThrow('recipe "custom" →');
    await goOn(output, { data: { source: `classes:${source}` }, training: { maxSteps: 3 } }); // moved, but the same
    const picture = join(source, 'class1', '003.png');
    const bytes = await readFile(picture);
    await writeFile(
      picture,
      bytes.map((byte, i) => (i === bytes.length - 30 ? byte ^ 1 : byte)),
    );
    await expect(goOn(output, {})).rejects.toThrow('a run must resume with the same images'); // of the same size
    await writeFile(picture, bytes);
    await goOn(output, { training: { maxSteps: 3 } });
    await tinyImages(source, 28);
    await expect(goOn(output, {})).rejects.toThrow('a run must resume with the same images');
  });
});
