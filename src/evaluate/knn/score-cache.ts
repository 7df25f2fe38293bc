import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../../io/atomic.ts';
import { makeFolder } from '../../io/make-folder.ts';
import type { Score } from '../evaluator.ts';
import { contentKey, featureCacheFolder } from '../features/feature-cache.ts';

/** Changes when the same settings come to give other scores. */
const VERSION = 3;

/**
 * Scores under a key of all that they depend on: what is kept on the disk beside features, else what `measure` gives. A disk that
 * cannot be used changes nothing but the time.
 */
export async function keptScores(
  about: readonly unknown[],
  measure: () => Promise<Score[]>,
  folder = join(featureCacheFolder(), 'scores'),
): Promise<Score[]> {
  const path = join(folder, `${contentKey([JSON.stringify([VERSION, ...about])])}.json`);
  const known = await readFile(path, 'utf8').then(parse, () => undefined);
  if (known) return known;
  const scores = await measure();
  await makeFolder(dirname(path))
    .then(() => writeFileAtomic(path, `${JSON.stringify(scores)}\n`))
    .catch(() => {});
  return scores;
}

/** Undefined for a file that is damaged. */
function parse(text: string): Score[] | undefined {
  try {
    const scores = JSON.parse(text) as Score[];
    const valid = scores.every(([name, value]) => typeof name === 'string' && Number.isFinite(value));
    return valid && scores.length > 0 ? scores : undefined;
  } catch {
    return undefined;
  }
}
