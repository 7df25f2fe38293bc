import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../../io/atomic.ts';
import { cacheFolder } from '../../io/cache-folder.ts';
import { makeFolder } from '../../io/make-folder.ts';
import type { Dataset } from '../sources/dataset.ts';
import { digestFolder } from '../sources/folder-digest.ts';
import { type MaskScan, requireMasks, type ScanMasksOptions } from './scan.ts';

/** A scan without problems, as the cache keeps it. */
interface Kept {
  /** Names the files of images and masks in their state, and the table of classes. */
  readonly state: string;
  readonly scan: Pick<MaskScan, 'images' | 'pixels' | 'found'>;
}

/**
 * The same as `requireMasks`, whose last result for a source is kept in the cache: masks that nobody has touched are read once, though a
 * run is resumed many times.
 */
export async function requireMasksOnce(
  dataset: Dataset,
  options: ScanMasksOptions & { readonly cache?: string | undefined } = {},
): Promise<MaskScan> {
  const path = keptAt(options.cache ?? cacheFolder(), dataset.name);
  const kept = await readKept(path);
  if (kept?.state === dataset.contentKey) return { ...kept.scan, broken: new Map(), problems: [] };
  const scan = await requireMasks(dataset, options);
  const { images, pixels, found } = scan;
  await keep(path, { state: dataset.contentKey, scan: { images, pixels, found } });
  return scan;
}

function keptAt(cache: string, name: string): string {
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 32);
  return join(digestFolder(cache), `masks-${digest}.json`);
}

async function readKept(path: string): Promise<Kept | undefined> {
  try {
    const kept = JSON.parse(await readFile(path, 'utf8')) as Partial<Kept>;
    return Array.isArray(kept.scan?.found) ? (kept as Kept) : undefined;
  } catch {
    return undefined;
  }
}

/** A cache that cannot be written to costs time, nothing else. */
async function keep(path: string, kept: Kept): Promise<void> {
  try {
    await makeFolder(dirname(path));
    await writeFileAtomic(path, JSON.stringify(kept));
  } catch {}
}
