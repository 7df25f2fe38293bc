import type { OpenProgress } from '../../data/sources/scheme.ts';
import { count, percent } from './table.ts';

/** How far a fetch, a search, or the first reading of images has come, for a progress bar: share and text. */
export function fetching({
  phase,
  name = 'images',
  done,
  total,
}: OpenProgress): [share: number, text: string] {
  if (phase === 'search') return [0, `looking for images: ${count(done)} found`];
  const share = total > 0 ? done / total : 0;
  const what = {
    download: `fetching ${name} (${(total / 1e6).toFixed(0)} MB)`,
    unpack: `unpacking ${name}`,
    decode: `decoding ${name}`,
    digest: 'reading images to identify them',
  }[phase];
  return [share, done === 0 ? what : `${what} ${percent(share)}`];
}
