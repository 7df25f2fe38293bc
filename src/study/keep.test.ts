import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { seed } from '../../tests/support/random.ts';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { tinyImages, tinySettings } from '../../tests/support/tiny-run.ts';
import { readRows } from '../io/jsonl.ts';
import { rng } from '../random/rng.ts';
import { renderMarkdown } from '../report/page.ts';
import { byEpoch, lossesKey } from './epochs.ts';
import { keptPlan } from './images.ts';
import { readKept, writeKept } from './keep.ts';
import { studyPage } from './page.ts';
import type { Piece } from './pieces.ts';
import { readRecords } from './results.ts';
import { pieceRunner } from './run-piece.ts';
import type { RunPiece, StudyEvent } from './runner.ts';
import { parseStudy, readStudy } from './schema.ts';
import { runStudy } from './study.ts';

const folder = temporaryFolder();
const images = join(folder, 'images');
beforeAll(() => tinyImages(images, 24));

const study = () =>
  parseStudy({
    arms: ['scratch', { name: 'ours', task: 'masked', epochs: 2 }],
    seeds: [1],
    budgets: ['steps'],
    pretrain: tinySettings(`classes:${images}`, {
      training: { epochs: 1 },
      evaluation: { reconstructions: 0 },
    }),
    knn: { trainImages: 0 },
    linear: { trainImages: 12, epochs: 2, warmupEpochs: 0, learningRates: [0.1] },
    finetune: [{ data: { labels: 0.5 }, training: { epochs: 2, batchSize: 4, warmupEpochs: 0 } }],
  });

/** Runs pieces by the real calls, and notes which. */
function recording(): { ran: string[]; runPiece: RunPiece } {
  const ran: string[] = [];
  const real = pieceRunner(() => {});
  const runPiece: RunPiece = (piece, ...rest) => {
    ran.push(piece.id);
    return real(piece, ...rest);
  };
  return { ran, runPiece };
}

async function kept(keep: string): Promise<Record<string, string>> {
  const files = (await readdir(keep, { recursive: true })).filter((name) => /\.jsonl?$/.test(name));
  const texts = await Promise.all(
    files.map(async (name) => [name, await readFile(join(keep, name), 'utf8')] as const),
  );
  const timing = /"(imagesPerSecond|seconds)": ?[\d.e+-]+/g;
  return Object.fromEntries(texts.map(([name, text]) => [name, text.replace(timing, '$1')]));
}

describe('a study with a folder of kept pieces', () => {
  it('ends alike when its output is deleted between any two pieces', async () => {
    const whole = { output: join(folder, 'whole'), keep: join(folder, 'whole-kept') };
    const { results } = await runStudy(study(), whole);
    expect(results.missing).toBe(0);
    const places = { output: join(folder, 'cut'), keep: join(folder, 'cut-kept') };
    const notes: string[] = [];
    const { ran, runPiece } = recording();
    for (let sittings = 0, outcome = ''; outcome !== 'finished'; sittings++) {
      expect(sittings).toBeLessThan(20);
      const known = new Set(await readdir(places.keep).catch(() => []));
      const stop = new AbortController();
      const onEvent = (event: StudyEvent) => {
        if (event.type === 'note') notes.push(event.message);
        // A model that is trained again is followed by its judge: a sitting ends with the first piece that was not kept.
        if (event.type === 'finished' && !known.has(event.piece.id)) stop.abort(new Error('stopped'));
      };
      ({ outcome } = await runStudy(study(), { ...places, runPiece, onEvent, signal: stop.signal }));
      await rm(places.output, { recursive: true });
    }
    // Two models and three judges of each; the models again for each judge.
    expect(ran.filter((id) => id === 'ours-2ep-seed1')).toHaveLength(4);
    expect(new Set(ran).size).toBe(8);
    expect(notes).toEqual([]); // the losses were the same
    expect(await kept(places.keep)).toEqual(await kept(whole.keep));
    const afterwards = await runStudy(study(), { ...places, runPiece });
    expect(afterwards.results.scores.map(({ score }) => score)).toEqual(results.scores.map((s) => s.score));
    expect(ran.filter((id) => id === 'ours-2ep-seed1')).toHaveLength(4); // all is there: nothing is run
  });

  it('keeps what was finished before there was such a folder', async () => {
    const output = join(folder, 'whole');
    const keep = join(folder, 'late-kept');
    const { ran, runPiece } = recording();
    await runStudy(study(), { output, keep, runPiece });
    expect(ran).toEqual([]);
    expect(await kept(keep)).toEqual(await kept(join(folder, 'whole-kept')));
  });

  it('trains a model again where its weights alone were deleted', async () => {
    const [output, keep] = [join(folder, 'light'), join(folder, 'light-kept')];
    await cp(join(folder, 'whole'), output, { recursive: true });
    const id = 'ours-2ep-seed1';
    await rm(join(output, 'runs', id, 'checkpoints'), { recursive: true });
    await rm(join(output, 'runs', `${id}-knn`), { recursive: true });
    const { ran, runPiece } = recording();
    await runStudy(study(), { output, keep, runPiece });
    expect(ran).toEqual([id, `${id}-knn`]);
    expect(await kept(keep)).toEqual(await kept(join(folder, 'whole-kept')));
  });

  it('says where a model that was trained again had other losses, and marks its scores', async () => {
    const places = { output: join(folder, 'other'), keep: join(folder, 'other-kept') };
    await cp(join(folder, 'whole-kept'), places.keep, { recursive: true });
    const scores = join(places.keep, 'ours-2ep-seed1', 'scores.json');
    const text = await readFile(scores, 'utf8');
    await writeFile(
      scores,
      text.replace(/"losses": "."/, '"losses": "x').replace(/"losses": "\w/, '"losses": "x'),
    );
    await rm(join(places.keep, 'ours-2ep-seed1-knn'), { recursive: true });
    const notes: string[] = [];
    const onEvent = (event: StudyEvent) => void (event.type === 'note' && notes.push(event.message));
    const { results } = await runStudy(study(), { ...places, onEvent });
    expect(notes).toEqual(['ours-2ep-seed1: trained again, with losses that differ from before']);
    const marked = results.scores.filter(({ retrained }) => retrained);
    expect(marked.map(({ arm }) => arm)).toContain('ours');
    expect(results.scores.filter(({ arm, retrained }) => arm === 'scratch' && retrained)).toEqual([]);
  });

  it('refuses what was kept with other settings or by a later version', async () => {
    const [output, keep] = [join(folder, 'refused'), join(folder, 'refused-kept')];
    await cp(join(folder, 'whole-kept'), keep, { recursive: true });
    const { groups } = study();
    const changed = { ...study(), groups: [{ ...groups[0]!, knn: { trainImages: 5, testImages: 0 } }] };
    await expect(runStudy(changed, { output, keep })).rejects.toThrow(
      /^a study must keep its settings, got others for \S+scratch-seed1-knn/,
    );
    const scores = join(keep, 'scratch-seed1', 'scores.json');
    await writeFile(scores, (await readFile(scores, 'utf8')).replace('"format": 1', '"format": 2'));
    await expect(runStudy(study(), { output, keep })).rejects.toThrow(
      'kept files must have a format of 1 to 1, got 2',
    );
  });
});

describe('the kept format', () => {
  it('of version 1 is read by this version', async () => {
    const keep = 'tests/fixtures/study-kept-1';
    const old = await readStudy(join(keep, 'study.json'));
    const plan = await keptPlan(old, keep);
    const records = await readRecords(plan, { output: join(folder, 'nowhere'), keep });
    expect([...records.keys()]).toEqual([
      'masked-2ep-seed0',
      'masked-2ep-seed0-linear',
      'masked-2ep-seed0-finetune10-2ep',
    ]);
    const page = renderMarkdown('', studyPage(old, plan, records), '');
    expect(page).toContain('Not finished: 3 of 5 scores missing.');
    expect(page).toContain('| masked | 17.00 (1) | 15.80 (1) |');
    expect(page).toContain('| masked | 20 | 1.09 TFLOP | 158 | 0.9332 | 0.9324 | 1.35 TFLOP |');
    expect(page).toContain('Computed by oneDNN 2.6.3 (bf16, 2 threads) on AMD EPYC: 3 pieces.');
  });

  it.each([
    ['scores.json', '{', /^\S+scores\.json must be JSON, got: /],
    ['scores.json', 'null', /^kept files must have a format of 1 to 1, got none in \S+scores\.json$/],
    ['scores.json', '{"format":"1"}', /^kept files must have a format of 1 to 1, got "1" in /],
    ['scores.json', '{"format":1,"seconds":1}', /^\S+scores\.json must be as it was kept, got top1: /],
    ['config.json', '{"format":1}', /^\S+config\.json must be as it was kept, got piece: /],
    ['config.json', '', /^\S+config\.json must be JSON, got: /],
  ])('with a broken %s (%s) is refused in one line', async (file, text, message) => {
    const keep = join(folder, 'broken-kept');
    await rm(keep, { recursive: true, force: true });
    await cp('tests/fixtures/study-kept-1', keep, { recursive: true });
    await writeFile(join(keep, 'masked-2ep-seed0-linear', file), text);
    const old = await readStudy(join(keep, 'study.json'));
    const read = readRecords(await keptPlan(old, keep), { output: '', keep });
    await expect(read).rejects.toThrow(message);
    await read.catch((error: Error) => expect(error.message).not.toContain('\n'));
  });

  const piece: Piece = { kind: 'pretrain', id: 'long', settings: { seed: 1 }, flops: 1, updates: 5000 };
  const random = rng(seed);
  const rows = Array.from({ length: 5000 }, (_, i) => ({
    step: i + 1,
    epoch: Number(((i + 1) / 10).toFixed(6)),
    loss: random.uniform(),
    centre: random.uniform(),
    lr: 1 / 3,
    seconds: i / 3,
    ...((i + 1) % 10 === 0 && { heldOutLoss: i }),
  }));

  it('averages losses by epoch, and takes the last value of counters', () => {
    const [first, second] = byEpoch(rows.slice(0, 20));
    const mean = rows.slice(0, 10).reduce((sum, { loss }) => sum + loss, 0) / 10;
    expect(first).toMatchObject({ step: 10, epoch: 1, loss: mean, heldOutLoss: 9, lr: 0.333333 });
    expect(second).toMatchObject({ step: 20, epoch: 2, seconds: 6.33333 });
  });

  it('takes 20 kB at most, however long the run', async () => {
    const keep = join(folder, 'long-kept');
    await mkdir(keep, { recursive: true });
    const epochs = byEpoch(rows);
    expect(epochs).toHaveLength(500);
    await writeKept(keep, piece, { run: {}, scores: { seconds: 1, losses: lossesKey(epochs) }, epochs });
    const files = await readdir(join(keep, 'long'));
    expect(files.sort()).toEqual(['config.json', 'metrics.jsonl', 'scores.json']);
    const sizes = await Promise.all(files.map(async (f) => (await readFile(join(keep, 'long', f))).length));
    expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(20_000);
    const read = (await readRows(join(keep, 'long', 'metrics.jsonl'))) as { epoch: number }[];
    expect(read.at(-1)!.epoch).toBe(500);
    expect(read.length).toBeGreaterThan(50);
    expect((await readKept(keep, piece))!.scores.losses).toBe(lossesKey(epochs));
  });
});
