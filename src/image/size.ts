/** Height and width, in pixels or in patches. */
export type Size = readonly [height: number, width: number];

/** An image's size in pixels, its channels and the side of its patches. */
export interface Geometry {
  readonly image: Size;
  readonly patch: number;
  readonly channels: number;
}

/**
 * Number of patches along each side of the image. Throws RangeError unless both sides are positive multiples of the
 * patch.
 */
export function patchGrid({ image, patch }: Pick<Geometry, 'image' | 'patch'>): Size {
  const whole = (side: number) => side > 0 && Number.isInteger(side) && side % patch === 0;
  if (!Number.isInteger(patch) || patch < 1 || !image.every(whole))
    throw new RangeError(`image sides must be multiples of the patch, got ${image.join('×')} and ${patch}`);
  return [image[0] / patch, image[1] / patch];
}

/** Number of patches of an image. */
export function patchCount(geometry: Pick<Geometry, 'image' | 'patch'>): number {
  const [rows, columns] = patchGrid(geometry);
  return rows * columns;
}
