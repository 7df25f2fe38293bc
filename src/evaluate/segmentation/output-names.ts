import { extname, isAbsolute } from 'node:path';
import { shortNames } from '../../visualize/titles.ts';

/**
 * Names of files that are made from images, without endings, in the order of the images: the names of the images, with their folders where
 * they lie below one. Images that differ in their endings alone keep these; further equal names get numbers.
 * @param others names that are taken
 */
export function outputNames(ids: readonly string[], others: Iterable<string> = []): string[] {
  const below = ids.every((id) => !isAbsolute(id) && !id.split(/[\\/]/).includes('..'));
  const paths = (below ? ids : shortNames(ids)).map((id) =>
    id
      .replaceAll('\\', '/')
      .split('/')
      .filter((part) => part !== '' && part !== '..' && part !== '.')
      .map((part) => part.replaceAll(':', '_'))
      .join('/'),
  );
  const stems = paths.map((path) => path.slice(0, path.length - extname(path).length));
  const taken = new Set(others);
  const seen = new Set<string>();
  const repeated = new Set(stems.filter((stem) => seen.has(stem) || !seen.add(stem)));
  return paths.map((path, i) => {
    const name = repeated.has(stems[i]!) ? path : stems[i]!;
    let unique = name;
    for (let n = 2; taken.has(unique); n++) unique = `${name}-${n}`;
    taken.add(unique);
    return unique;
  });
}
