import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../../io/atomic.ts';
import { makeFolder } from '../../io/make-folder.ts';
import type { Score } from '../evaluator.ts';
import { contentKey, featureCacheFolder } from '../features/feature-cache.ts';

/** Must be raised when the same settings give other scores. */
const VERSION = 3;

/**
 * Scores from the cache on disk, or else from `measure`. The key contains everything that the scores depend on. An unusable disk only
 * costs time.
 */
export async function cachedScores(
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

/** Undefined for a damaged file. */
function parse(text: string): Score[] | undefined {
  try {
    const scores = JSON.parse(text) as Score[];
    const valid = scores.every(([name, value]) => typeof name === 'string' && Number.isFinite(value));
    return valid && scores.length > 0 ? scores : undefined;
  } catch {
    return undefined;
  }
}
