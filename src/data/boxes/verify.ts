import { plural } from '../../text/plural.ts';
import { verifyImages } from '../sources/check-images.ts';
import type { OpenOptions, Verified } from '../sources/scheme.ts';
import { findBoxes } from './open.ts';
import { scanBoxes } from './scan.ts';

/**
 * Reads every image and annotation of `boxes:PATH`: the objects of each class, their sizes, and what is wrong. Rejects with a DataError for a
 * folder of another layout.
 */
export async function verifyBoxes(spec: string, { onProgress, signal }: OpenOptions): Promise<Verified> {
  const { dataset, faults, notes } = await findBoxes(spec);
  const watch = (name: string) => (done: number, total: number) =>
    onProgress?.({ phase: 'decode', name, done, total });
  const scan = await scanBoxes(dataset, { onProgress: watch('boxes'), signal });
  const broken = await verifyImages(dataset, watch('images'));
  const { images, objects, crowds, ignored, masks, empty, most, flat, outside } = scan;
  const problems = [
    ...faults,
    ...[...broken].map(([id, reason]) => `broken: ${id}: ${reason}`),
    ...[...scan.broken].filter(([id]) => !broken.has(id)).map(([id, reason]) => `${id}: ${reason}`),
    ...scan.problems.slice(scan.broken.size > 0 ? 1 : 0),
  ];
  const more = [
    [masks, 'with masks'],
    [crowds, 'groups of objects (crowds)'],
    [ignored, 'objects that need not be found'],
  ] as const;
  const about = [
    ...notes,
    ...(empty > 0 ? [`${plural(empty, 'image')} without objects`] : []),
    ...(flat > 0
      ? [`${plural(flat, 'box', 'boxes')} without an inside in the picture: left out of training`]
      : []),
    ...(outside > 0
      ? [`${plural(outside, 'box', 'boxes')} more than 2 pixels beyond the picture: cut off in training`]
      : []),
  ];
  return {
    lines: [
      `${plural(images, 'image')}, ${plural(objects, 'object')}, ${most} in an image at most${more.map(([n, what]) => (n > 0 ? `, ${n.toLocaleString('en-US')} ${what}` : '')).join('')}`,
      ...about,
      ...problems,
    ],
    rows: [
      ['class', 'objects', 'images', 'small', 'medium', 'large'],
      ...scan.classes.map((of) => [
        of.name,
        ...[of.objects, of.images, of.small, of.medium, of.large].map(String),
      ]),
    ],
    sound: problems.length === 0,
  };
}
