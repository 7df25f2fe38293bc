import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { tinyImages, tinySettings } from '../../tests/support/tiny-run.ts';
import { readRows } from '../io/jsonl.ts';
import type { Piece } from './pieces.ts';
import { pieceFolder } from './places.ts';
import { type StudyResults, summariseStudy } from './results.ts';
import type { RunPiece, StudyEvent } from './runner.ts';
import { parseStudy } from './schema.ts';
import { runStudy } from './study.ts';
import { studyTables } from './table.ts';

const folder = temporaryFolder();
const images = join(folder, 'images');
beforeAll(() => tinyImages(images, 24));

const given = (more: object = {}) => ({
  arms: ['scratch', 'masked'],
  seeds: [1, 2],
  pretrain: tinySettings(`classes:${images}`, {
    training: { epochs: 1 },
    evaluation: { reconstructions: 0 },
  }),
  knn: { trainImages: 0 },
  linear: { trainImages: 12, epochs: 2, warmupEpochs: 0, learningRates: [0.1] },
  finetune: [{ data: { labels: 0.5 }, training: { epochs: 1, batchSize: 4, warmupEpochs: 0 } }],
  ...more,
});

/** Leaves what the real calls leave, without training; top-1 by piece. */
function fake(top1: (piece: Piece) => number = () => 0.5) {
  const ran: string[] = [];
  const runPiece: RunPiece = async (piece, path) => {
    ran.push(piece.id);
    const row = { step: 1, epoch: 1, seconds: 10, top1: top1(piece) };
    await writeFile(join(path, 'metrics.jsonl'), `${JSON.stringify(row)}\n`);
    await mkdir(join(path, 'checkpoints'), { recursive: true });
    await writeFile(join(path, 'checkpoints', 'step-00000001.safetensors'), '');
    return 'finished';
  };
  return { ran, runPiece };
}

describe('runStudy', () => {
  it('runs every piece once, and adds the missing pieces of a larger study', async () => {
    const output = join(folder, 'grows');
    const first = fake();
    expect((await runStudy(parseStudy(given({ seeds: [1] })), { output, ...first })).outcome).toBe(
      'finished',
    );
    expect(first.ran).toHaveLength(9); // two models, of each kNN, linear and fine-tuned, and one from scratch for longer
    const second = fake();
    const { results } = await runStudy(parseStudy(given()), { output, ...second });
    expect(second.ran).toHaveLength(9);
    expect(second.ran.every((id) => id.includes('seed2'))).toBe(true);
    expect(results.missing).toBe(0);
  });

  it('continues after an interruption and after an error, and tabulates the finished pieces', async () => {
    const output = join(folder, 'stops');
    const study = parseStudy(given());
    const { ran, runPiece } = fake();
    const stopping: RunPiece = async (...args) => (ran.length === 3 ? 'interrupted' : runPiece(...args));
    const { outcome, results, tables } = await runStudy(study, { output, runPiece: stopping });
    expect(outcome).toBe('interrupted');
    expect(results.missing).toBeGreaterThan(0);
    expect(tables).toContain(`Not finished: ${results.missing} scores missing.`);
    const failing: RunPiece = async (...args) => {
      if (ran.length === 5) throw new Error('disk full');
      return runPiece(...args);
    };
    await expect(runStudy(study, { output, runPiece: failing })).rejects.toThrow(/^\S+: disk full$/);
    expect(await runStudy(study, { output, runPiece })).toMatchObject({ outcome: 'finished' });
    expect(ran).toHaveLength(18);
    expect(new Set(ran).size).toBe(18);
  });

  it('runs a piece again whose folder was deleted', async () => {
    const output = join(folder, 'deleted');
    const study = parseStudy(given({ seeds: [1] }));
    await runStudy(study, { output, ...fake() });
    await rm(pieceFolder(output, 'masked-1ep-seed1-knn'), { recursive: true });
    const { ran, runPiece } = fake();
    await runStudy(study, { output, runPiece });
    expect(ran).toEqual(['masked-1ep-seed1-knn']);
  });

  it('refuses settings that finished pieces did not have', async () => {
    const output = join(folder, 'changed');
    await runStudy(parseStudy(given()), { output, ...fake() });
    const { ran, runPiece } = fake();
    const changed = parseStudy(given({ knn: { trainImages: 5 } }));
    await expect(runStudy(changed, { output, runPiece })).rejects.toThrow(
      /^a study must keep its settings, got others for \S+scratch-seed1-knn, which is finished/,
    );
    expect(ran).toEqual([]);
  });

  it('starts nothing when it was stopped before', async () => {
    const { ran, runPiece } = fake();
    const signal = AbortSignal.abort();
    const output = join(folder, 'aborted');
    const started = runStudy(parseStudy(given()), { output, runPiece, signal });
    await expect(started).rejects.toBe(signal.reason); // while images are looked for
    expect(ran).toEqual([]);
  });

  it('trains and judges by the real calls', async () => {
    const output = join(folder, 'real');
    // 12 of the 18 training images, 6 of them with labels: 3 steps of pre-training and 1 of fine-tuning.
    const { pretrain } = given();
    const limited = { ...pretrain, data: { ...pretrain.data, trainImages: 12 } };
    const study = parseStudy(given({ seeds: [3], pretrain: limited }));
    const { outcome, results } = await runStudy(study, { output });
    expect({ outcome, missing: results.missing }).toEqual({ outcome: 'finished', missing: 0 });
    for (const { score } of results.scores) expect(score).toBeGreaterThanOrEqual(0);
    for (const { score } of results.scores) expect(score).toBeLessThanOrEqual(1);
    const tuned = results.scores.filter(({ judge }) => judge.startsWith('fine-tune'));
    for (const { seconds } of tuned) expect(seconds).toBeGreaterThan(0);
    const steps = async (id: string) =>
      (await readRows(join(pieceFolder(output, id), 'metrics.jsonl'))).at(-1)!.step;
    expect(await steps('masked-1ep-seed3')).toBe(3);
    expect(await steps('masked-1ep-seed3-finetune50-1ep')).toBe(1);
    expect(JSON.parse(await readFile(join(output, 'results.json'), 'utf8'))).toEqual(results);
    expect(await readdir(output)).toEqual(['results.json', 'results.md', 'runs']);
    // Stopped after every update, it comes to the same.
    const stopped = join(folder, 'stopped');
    let sittings = 0;
    for (let outcome = 'interrupted'; outcome === 'interrupted'; sittings++) {
      const stop = new AbortController();
      const onEvent = (event: StudyEvent) => {
        if (event.type === 'progress' && event.text.startsWith('step')) stop.abort(new Error('stopped'));
      };
      const again = await runStudy(study, { output: stopped, onEvent, signal: stop.signal });
      outcome = again.outcome;
      const top1 = ({ scores }: StudyResults) => scores.map(({ piece, score }) => [piece, score]);
      if (outcome === 'finished') expect(top1(again.results)).toEqual(top1(results));
    }
    expect(sittings).toBeGreaterThan(3);
    // A study that is killed between its calls finds all of it done.
    const { ran, runPiece } = fake();
    await runStudy(study, { output, runPiece });
    expect(ran).toEqual([]);
  });
});

describe('results', () => {
  const scored = (arm: string, seed: number, score: number, more = {}) => {
    const cell = {
      group: '',
      budget: 'steps',
      judge: 'linear',
      model: '',
      piece: '',
      flops: 2e12,
      seconds: 30,
    } as const;
    return { ...cell, arm, seed, score, ...more };
  };
  const cells = ['scratch', 'masked', 'zoomed-in'].flatMap((arm) =>
    [1, 2].map((seed) => scored(arm, seed, 0)),
  );

  it('are means over seeds and paired differences, by hand', () => {
    const scores = [
      scored('scratch', 1, 0.3),
      scored('scratch', 2, 0.4),
      scored('masked', 1, 0.5),
      scored('masked', 2, 0.7),
      scored('masked', 3, 0.9, { flops: 5e12 }),
    ];
    const { arms, differences, missing } = summariseStudy({ cells }, scores);
    expect(missing).toBe(1);
    expect(arms.map(({ arm, score: { n, mean } }) => [arm, n, Number(mean.toFixed(9))])).toEqual([
      ['scratch', 2, 0.35],
      ['masked', 3, 0.7],
    ]);
    expect(arms[1]!.score.deviation).toBeCloseTo(0.2, 12);
    expect(arms[1]!.flops).toBeCloseTo(3e12, 0);
    // 0.2 and 0.3 over seeds 1 and 2: mean 0.25, deviation √0.005, t(1) = 12.7062
    expect(differences).toHaveLength(1);
    expect(differences[0]).toMatchObject({ arms: ['scratch', 'masked'], score: { n: 2 } });
    expect(differences[0]!.score.mean).toBeCloseTo(0.25, 12);
    expect(differences[0]!.score.interval).toBeCloseTo((12.7062047 * Math.sqrt(0.005)) / Math.SQRT2, 6);
    const tables = studyTables({ scores, arms, differences, missing: 0 });
    expect(tables).toContain('| top-1 | linear |');
    expect(tables).toContain('| scratch | 35.00 ± 7.07 (2) |');
    expect(tables).toContain('| masked − scratch | +25.00 ± 63.53 (2) |');
    expect(tables).toContain('| masked | 3 TFLOP, 30 s |');
    expect(tables).not.toContain('Equal compute\n');
  });
});
