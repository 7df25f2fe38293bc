import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runFolder } from '../../src/run/folder.ts';
import { readMetrics } from '../../src/run/metrics.ts';
import { parseStudy } from '../../src/study/schema.ts';
import { runStudy } from '../../src/study/study.ts';

/** Runs a study with one such judge, whose scores must be those in the last rows of its runs. @param column of the score */
export async function judgedStudy(
  study: ReturnType<typeof parseStudy>,
  { output, keep, column }: { readonly output: string; readonly keep: string; readonly column: string },
) {
  const ran: string[] = [];
  const onEvent = (event: { type: string; piece?: { id: string } }) =>
    void (event.type === 'finished' && ran.push(event.piece!.id));
  const { outcome, results, tables } = await runStudy(study, { output, keep, onEvent });
  expect(outcome).toBe('finished');
  expect(results.missing).toBe(0);
  for (const { piece, score, flops } of results.scores) {
    const rows = await readMetrics(runFolder(join(output, 'runs', piece)));
    expect(score).toBe(Number(rows.at(-1)![column]));
    expect(score).toBeGreaterThanOrEqual(0);
    expect(score).toBeLessThan(1);
    expect(flops).toBeGreaterThan(0);
  }
  return { ran, tables, scores: results.scores.map(({ score }) => score) };
}

/** Tests that settings of such a judge are refused which a study cannot use. @param given a whole study, with more settings */
export function refusesWrongSettings(
  judge: 'segment' | 'detect',
  {
    source,
    images,
    example,
    misspelt,
  }: Readonly<Record<'source' | 'images' | 'example' | 'misspelt', string>>,
  given: (more: object) => object,
): void {
  it.each<[string, object, string]>([
    [
      'no images',
      { training: { epochs: 1 } },
      `data.source must name images with ${images}, got nothing: ${example}`,
    ],
    [
      'a setting that there is not',
      { data: { source }, training: { [misspelt]: 1 } },
      `training.${misspelt}`,
    ],
    ['weights of its own', { from: 'x', data: { source } }, 'from must be left to the study, got "x"'],
    [
      'steps in place of epochs',
      { data: { source }, training: { maxSteps: 3 } },
      'training.maxSteps must be 0 in a study',
    ],
  ])('%s: refused', (_, settings, message) => {
    expect(() => parseStudy(given({ [judge]: settings }))).toThrow(message);
  });
}
