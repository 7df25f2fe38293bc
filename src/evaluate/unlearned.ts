const NAMED = 10; // classes

/**
 * A warning that names the classes which are judged without one image to learn from: undefined where there are none. Images are held
 * out of a data set as a whole, not of each class, so that a class of one image may lose it.
 * @param learned classes of the images that are learned from: Int32Array [n], numbers in `classes`
 * @param judged the same of the images that are judged
 */
export function unlearnedClasses(
  classes: readonly string[],
  learned: Int32Array,
  judged: Int32Array,
): string | undefined {
  const known = new Set(learned);
  const images = judged.filter((label) => !known.has(label)).length;
  if (images === 0) return undefined;
  const all = new Set(judged);
  const strange = [...all].filter((label) => !known.has(label)).sort((a, b) => a - b);
  const names = strange.slice(0, NAMED).map((label) => classes[label]);
  const more = strange.length > NAMED ? ` and ${strange.length - NAMED} more` : '';
  return (
    `${strange.length} of ${all.size} classes that are judged have no image to learn from, so that ${images} of ${judged.length} ` +
    `images count as wrong: ${names.join(', ')}${more}; add images of these classes, or name others to judge on with --test`
  );
}
