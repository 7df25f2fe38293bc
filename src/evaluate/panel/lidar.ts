import { cholesky, solveLower } from '../algebra/cholesky.ts';
import { centred, columnProducts, meanOf, type Rows } from '../algebra/moments.ts';
import { effectiveRank, squaredSingularValues } from '../algebra/spectrum.ts';

/** Added to the diagonal of the covariance within images. */
const RIDGE = 1e-4;
const EPSILON = 1e-7;

/**
 * LiDAR (Thilak et al. 2024, arXiv 2312.04000): the effective rank of the differences between images beyond those between views of one
 * image, by the eigenvalues of Σw^−½ · Σb · Σw^−½. Undefined for fewer than two images with two views each.
 * @param images features of the views of each image; with a single view, an image is left out
 */
export function lidar(images: readonly Rows[]): number | undefined {
  const several = images.filter(({ count }) => count > 1);
  if (several.length < 2) return undefined;
  const { width } = several[0]!;
  const within = new Float64Array(width * width);
  const means = new Float64Array(several.length * width);
  for (const [i, views] of several.entries()) {
    means.set(meanOf(views), i * width);
    const products = columnProducts(centred(views));
    for (let k = 0; k < within.length; k++) within[k]! += products[k]! / (views.count - 1) / several.length;
  }
  for (let k = 0; k < width; k++) within[k * width + k]! += RIDGE;
  const l = cholesky(within, width);
  const between = centred({ values: means, count: several.length, width }).values;
  for (let i = 0; i < several.length; i++) solveLower(l, between.subarray(i * width, (i + 1) * width));
  return effectiveRank(squaredSingularValues({ values: between, count: several.length, width }), EPSILON);
}
