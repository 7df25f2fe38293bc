/**
 * A number with its noun: `1 epoch`, `2 epochs`, `1,234 images`, `0 files`.
 * @param many the plural, unless it is the noun with an s
 */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en-US')} ${n === 1 ? one : many}`;
}
