/**
 * File names of paths, in the order of the paths; where two are alike, with as many folders before them as tell them apart. Names that are
 * no paths stay.
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

/** The title of a column of pictures: whether they were scaled to be seen stands below. */
export function columnTitle(name: string, scaled: boolean): string {
  return scaled ? `${name}\n(contrast scaled)` : name;
}
