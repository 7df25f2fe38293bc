import { plural } from '../text/plural.ts';

const NAMED = 10; // classes

/**
 * A warning that names the classes which are judged without one image to learn from: undefined where there are none. Images are held
 * out of a data set as a whole, not of each class, so that a class of one image may lose it.
 * @param learned classes of the images that are learned from: Int32Array [n], numbers in `classes`
 * @param judged the same of the images that are judged
 * @param together whether these are the same images, of which each is judged by others: a class of one image has none to learn from
 */
export function unlearnedClasses(
  classes: readonly string[],
  learned: Int32Array,
  judged: Int32Array,
  together = false,
): string | undefined {
  const [seen, again] = [new Set<number>(), new Set<number>()];
  for (const label of learned) (seen.has(label) ? again : seen).add(label);
  const known = together ? again : seen;
  const images = judged.filter((label) => !known.has(label)).length;
  if (images === 0) return undefined;
  const all = new Set(judged);
  const strange = [...all].filter((label) => !known.has(label)).sort((a, b) => a - b);
  const names = strange.slice(0, NAMED).map((label) => classes[label]);
  const more = strange.length > NAMED ? ` and ${strange.length - NAMED} more` : '';
  return (
    `no image to learn from for ${strange.length} of ${plural(all.size, 'judged class', 'judged classes')}, so that ${images} of ` +
    `${plural(judged.length, 'image')} cannot be right: ${names.join(', ')}${more}; add images of these classes, or name others to judge on with --test`
  );
}
