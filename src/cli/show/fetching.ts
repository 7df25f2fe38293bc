import type { FetchProgress } from '../../data/sources/cifar10-fetch.ts';
import { count, percent } from './table.ts';

/** How far a fetch, a search, or the first reading of images has come, for a progress bar: share and text. */
export function fetching({ phase, done, total }: FetchProgress): [share: number, text: string] {
  if (phase === 'search') return [0, `looking for images: ${count(done)} found`];
  const share = total > 0 ? done / total : 0;
  const what = {
    download: 'fetching CIFAR-10 (139 MB)',
    unpack: 'unpacking CIFAR-10',
    decode: 'decoding CIFAR-10',
    digest: 'reading images to identify them',
  }[phase];
  return [share, done === 0 ? what : `${what} ${percent(share)}`];
}
