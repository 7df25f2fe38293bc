/**
 * File names of paths, in the order of the paths. Equal names get as many parent folders as distinguish them. Names
 * that are not paths stay unchanged.
 */
export function shortNames(paths: readonly string[], platform = process.platform): string[] {
  const between = platform === 'win32' ? /[\\/]+/ : /\/+/;
  const parts = paths.map((path) => path.split(between).filter(Boolean));
  const last = (i: number, count: number) => parts[i]!.slice(-count).join('/') || paths[i]!;
  return paths.map((path, i) => {
    for (let count = 1; count < parts[i]!.length; count++) {
      const name = last(i, count);
      if (paths.every((other, j) => other === path || last(j, count) !== name)) return name;
    }
    return path;
  });
}

/** Title of a column of pictures, with a second line if the contrast was scaled. */
export function columnTitle(name: string, scaled: boolean): string {
  return scaled ? `${name}\n(contrast scaled)` : name;
}
