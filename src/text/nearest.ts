/**
 * The most similar name, or undefined if none is close: at most a third of the longer name's letters may differ
 * (restricted Damerau-Levenshtein distance: a swap of neighbours counts as one edit).
 */
export function nearest(wanted: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const d = distance(wanted.toLowerCase(), name.toLowerCase());
    if (d < least && d <= Math.max(wanted.length, name.length) / 3) {
      best = name;
      least = d;
    }
  }
  return best;
}

/** ` (did you mean "x"?)` for the most similar name, else empty: the end of a message about an unknown name. */
export function suggestion(wanted: string, names: Iterable<string>): string {
  const name = nearest(wanted, names);
  return name === undefined ? '' : ` (did you mean "${name}"?)`;
}

function distance(a: string, b: string): number {
  // Rows i − 2, i − 1 and i of the distance table of prefixes of a and b.
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let d = Math.min(previous[j - 1]! + (same ? 0 : 1), previous[j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        d = Math.min(d, before[j - 2]! + 1);
      row.push(d);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length]!;
}
