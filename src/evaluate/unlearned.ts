import { plural } from '../text/plural.ts';

const NAMED = 10; // classes

/**
 * A warning that names the test classes without a training image; undefined if there are none. Images are held out of the data set as
 * a whole, not per class, so a class may have no training image left.
 * @param learned labels of the training images: Int32Array [n], indices into `classes`
 * @param tested labels of the test images
 * @param together true for leave-one-out or cross-validation: a class then needs two images
 * @param remedy for commands that take test images
 */
export function unlearnedClasses(
  classes: readonly string[],
  learned: Int32Array,
  tested: Int32Array,
  together = false,
  remedy = 'add images of these classes, or give other test images with --test',
): string | undefined {
  const [seen, again] = [new Set<number>(), new Set<number>()];
  for (const label of learned) (seen.has(label) ? again : seen).add(label);
  const known = together ? again : seen;
  const images = tested.filter((label) => !known.has(label)).length;
  if (images === 0) return undefined;
  const all = new Set(tested);
  const unlearned = [...all].filter((label) => !known.has(label)).sort((a, b) => a - b);
  const names = unlearned.slice(0, NAMED).map((label) => classes[label]);
  const more = unlearned.length > NAMED ? ` and ${unlearned.length - NAMED} more` : '';
  return (
    `no training image for ${unlearned.length} of ${plural(all.size, 'test class', 'test classes')}, so ${images} of ` +
    `${plural(tested.length, 'image')} cannot be correct: ${names.join(', ')}${more}; ${remedy}`
  );
}
