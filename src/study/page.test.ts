import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { tinyImages, tinySettings } from '../../tests/support/tiny-run.ts';
import { renderMarkdown } from '../report/page.ts';
import { agreements, compare } from './analysis.ts';
import { keptPlan } from './images.ts';
import { studyPage } from './page.ts';
import type { Piece } from './pieces.ts';
import { readRecords, scoresOf } from './results.ts';
import type { RunPiece } from './runner.ts';
import { parseStudy } from './schema.ts';
import { runStudy } from './study.ts';

const folder = temporaryFolder();
beforeAll(() => tinyImages(join(folder, 'images'), 24));

const SEEDS = [0, 1, 2, 3, 4];
/** In points; rows are arms, columns seeds. masked+zoomed-in − masked is 1, 2, 3, 4, 5. */
const TOP1: Readonly<Record<string, readonly number[]>> = {
  scratch: [20.0, 21.2, 19.9, 22.1, 20.8],
  masked: [40.0, 41.0, 39.5, 42.0, 40.5],
  'masked-zoomed-in': [41.0, 43.0, 42.5, 46.0, 45.5],
};

const study = (more: object = {}) =>
  parseStudy({
    title: 'Three arms',
    seeds: SEEDS,
    budgets: ['steps'],
    pretrain: tinySettings(`classes:${join(folder, 'images')}`, { training: { epochs: 1 } }),
    knn: {},
    groups: [{ name: 'A', arms: ['scratch', 'masked', 'masked+zoomed-in'] }],
    primary: { group: 'A', judge: 'kNN', arms: ['masked+zoomed-in', 'masked'] },
    references: [{ name: 'paper', group: 'A', scores: { scratch: 1, masked: 2, 'masked+zoomed-in': 3 } }],
    ...more,
  });

/** Leaves made-up scores; ends before the piece that `until` names. */
function fake(until?: string): RunPiece {
  return async ({ id, kind }: Piece, path) => {
    if (id === until) return 'interrupted';
    const [, arm, seed] = /^(.*?)(?:-\d+ep)?-seed(\d)/.exec(id)!;
    const rows = [1, 2].map((step) => ({ step, epoch: step / 2, loss: 1 / step, seconds: step }));
    if (kind !== 'pretrain') Object.assign(rows[1]!, { top1: TOP1[arm!]![Number(seed)]! / 100 });
    await writeFile(join(path, 'metrics.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    await mkdir(join(path, 'checkpoints'), { recursive: true });
    await writeFile(join(path, 'checkpoints', 'step-00000002.safetensors'), '');
    return 'finished';
  };
}

async function page(name: string, until?: string, given = study()) {
  const keep = join(folder, `${name}-kept`);
  await runStudy(given, { output: join(folder, name), keep, runPiece: fake(until) });
  const plan = await keptPlan(given, keep);
  const records = await readRecords(plan, { output: join(folder, 'nowhere'), keep });
  const blocks = studyPage(given, plan, records);
  return { plan, records, text: renderMarkdown('Three arms', blocks, 'pictures'), blocks };
}

describe('the page of a study', () => {
  it('answers the primary question, and compares the other arms with Holm’s adjustment', async () => {
    const { text } = await page('whole');
    // 1 … 5: mean 3, deviation 1.5811; t(4) = 2.7764; scipy.stats.ttest_1samp: p = 0.0132
    expect(text).toContain(
      '+3.00 points (5 pairs), 95 % interval +1.04 to +4.96, p = 0.013. The interval does not hold 0: masked+zoomed-in is better here.',
    );
    expect(text).toContain('No score is missing of 15.');
    expect(text).toMatch(/\| masked \| 40\.60 ± 0\.96 \(5\) \|/);
    // The primary question stands by itself; scratch alone is left to compare.
    expect(text.match(/− masked \|/g)).toHaveLength(1);
    expect(text).toMatch(/\| scratch − masked \| kNN \| −19\.80 ± [\d.]+ \(5\) \| \\< 0\.001 \| worse \|/);
    expect(text).toMatch(/\| paper \| A: equal steps \| kNN \| 3 × 5 \| \+1\.00 \| \+1\.00 to \+1\.00 \|/);
    expect(text).toContain('held out of training');
  });

  it('limits its claims to the finished pieces', async () => {
    const none = await page('none', 'scratch-seed0');
    expect(none.text).toContain('Not finished: 15 of 15 scores missing.');
    expect(none.text).toContain('Not finished: no pair of seeds is there yet.');
    expect(none.text).toContain('Not finished: no score is there yet.');
    const one = await page('one', 'scratch-seed1');
    expect(one.text).toContain('Not finished: 1 of 5 pairs are there.');
    expect(one.text).toContain('one pair has no interval, so nothing is claimed');
    expect(one.text).not.toMatch(/better here|worse here|\| (better|worse) \|/);
    const some = await page('some', 'masked-zoomed-in-1ep-seed3');
    expect(some.text).toContain('Not finished: 4 of 15 scores missing.');
    expect(some.text).toContain('A: equal steps: kNN of masked+zoomed-in, seeds 3, 4');
    // 1, 2, 3: mean 2, deviation 1, t(2) = 4.3027: ± 2.4842
    expect(some.text).toContain('+2.00 points (3 pairs), 95 % interval −0.48 to +4.48');
    expect(some.text).toContain('The interval holds 0: no difference is shown.');
  });

  it('says better or worse only where the adjusted probability is below 0.05', async () => {
    const given = study({ primary: undefined });
    const { plan, records } = await page('words', undefined, given);
    const scores = scoresOf(plan, records);
    const found = compare(given, given.groups[0]!, 'steps', scores);
    expect(found.map(({ arm, verdict }) => [arm, verdict])).toEqual([
      ['scratch', 'worse'],
      ['masked+zoomed-in', 'better'],
    ]);
    const noisy = scores.map((score) => ({
      ...score,
      score: score.score + (score.seed % 2 ? 0.3 : -0.3) * Math.sign(score.score - 0.3),
    }));
    for (const { p, verdict, interval } of compare(given, given.groups[0]!, 'steps', noisy)) {
      expect(interval).toBeGreaterThan(0);
      expect(verdict === 'not shown').toBe(p! >= 0.05);
    }
    // An order turned around.
    const turned = scores.map((score) => ({ ...score, score: 1 - score.score }));
    expect(agreements(given, turned)[0]).toMatchObject({ rho: -1, arms: 3, seeds: 5 });
  });

  it('draws means, intervals and losses', async () => {
    const { blocks } = await page('drawn');
    const pictures = blocks.flatMap((block) => (block.kind === 'picture' ? [block.picture] : []));
    expect(pictures.map(({ name }) => name)).toEqual(['a-equal-steps.svg', 'a-losses.svg']);
    const [means, losses] = pictures.map(({ data }) => Buffer.from(data).toString());
    expect(means!.match(/r="3"/g)).toHaveLength(15); // every seed
    expect(means!.match(/r="4.5"/g)).toHaveLength(3); // every mean
    for (const arm of ['scratch', 'masked', 'masked+zoomed-in']) expect(means).toContain(`>${arm}</text>`);
    expect(losses).toContain('Loss of pre-training');
  });

  it('marks scores of models that were trained again with other losses', async () => {
    const keep = join(folder, 'marked-kept');
    await page('marked');
    const file = join(keep, 'masked-1ep-seed2', 'scores.json');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/"losses": "[^"]+"/, '"losses": "other"'));
    const given = study();
    const plan = await keptPlan(given, keep);
    const blocks = studyPage(given, plan, await readRecords(plan, { output: '', keep }));
    const marked = renderMarkdown('', blocks, '');
    expect(marked).toMatch(/\| masked \| 40\.60 ± 0\.96 \(5\) † \|/);
    expect(marked).toContain('losses that differ from the first time: masked-1ep-seed2-knn');
  });
});
