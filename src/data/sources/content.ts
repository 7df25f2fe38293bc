import type { Dataset, DigestOptions } from './dataset.ts';

/**
 * Identity of a data set for runs, packs and the processes of a run: the digest of its content, or its `contentKey` if it has
 * none. Rejects as `Content.digest` does.
 */
export async function identify(
  { content, contentKey }: Dataset,
  options: DigestOptions = {},
): Promise<string> {
  return content ? content.digest(options) : contentKey;
}

/** True if two data sets hold the same images under the same names. Reads them only where names and sizes are the same. */
export async function sameImages(a: Dataset, b: Dataset, options: DigestOptions = {}): Promise<boolean> {
  if (a.contentKey === b.contentKey) return true;
  if (!a.content || !b.content || a.content.outline !== b.content.outline) return false;
  return (await identify(a, options)) === (await identify(b, options));
}

/**
 * Compares the key that was kept for a data set with the one that `identify` gives for a data set now. `outline`: the kept one is of
 * an earlier version, and names and sizes agree.
 */
export function compare(kept: string, key: string, { content }: Dataset): 'same' | 'outline' | 'other' {
  if (kept === key) return 'same';
  return kept === content?.outline ? 'outline' : 'other';
}

/** The note for that case, to be put after the holder of the key. */
export const takenByOutline =
  'knows its images by names and sizes, as earlier versions did: they agree, and from now on the content counts too';
