import { z } from 'zod';

/** Class names by number, from a list or a dict. Names may be numbers; null and other values give no name. */
export const labels = z.unknown().transform((given): Readonly<Record<string, string>> | undefined => {
  if (typeof given !== 'object' || given === null) return undefined;
  const named = Object.entries(given).flatMap(([number, name]) =>
    /^\d+$/.test(number) && ['string', 'number', 'boolean'].includes(typeof name)
      ? [[String(Number(number)), String(name)] as const]
      : [],
  );
  return named.length === 0 ? undefined : Object.fromEntries(named);
});

/** Names of `count` classes; undefined if none is known. A class without a name gets its number. */
export function classNames(
  given: Readonly<Record<string, string>> | undefined,
  count: number,
): string[] | undefined {
  const numbers = Object.keys(given ?? {}).map(Number);
  if (!given || !numbers.some((number) => number < count) || numbers.some((number) => number >= count))
    return undefined;
  return Array.from({ length: count }, (_, i) => given[i] ?? String(i));
}
