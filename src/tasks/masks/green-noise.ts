import { patchGrid } from '../../image/size.ts';
import type { MaskGenerator } from '../task.ts';

/** Standard deviations, in patches, of two Gaussians. Their difference is a band-pass filter. */
const [FINE, COARSE] = [0.5, 2];

/**
 * Green noise (ColorMAE, arXiv 2407.13036): white noise without its lowest and highest frequencies. Tokens with high values stay
 * visible. Removed and visible tokens form irregular patches of a few tokens.
 */
export const greenNoise: MaskGenerator = {
  name: 'green-noise',
  summary: 'irregular patches of a few tokens (ColorMAE)',
  order: (rng, geometry) => {
    const [rows, columns] = patchGrid(geometry);
    const white = Float64Array.from({ length: rows * columns }, () => rng.normal());
    const [fine, coarse] = [FINE, COARSE].map((deviation) =>
      blur(blur(white, rows, columns, 1, deviation), columns, rows, columns, deviation),
    );
    const green = fine!.map((value, i) => value - coarse![i]!);
    return Int32Array.from(green.keys()).sort((a, b) => green[b]! - green[a]!);
  },
};

/**
 * Smooths values along one axis by a Gaussian, with wrapped borders.
 * @param lines,length number of lines, and number of values per line
 * @param step offset between neighbouring values of a line
 */
function blur(
  values: Float64Array,
  lines: number,
  length: number,
  step: number,
  deviation: number,
): Float64Array {
  const reach = Math.ceil(3 * deviation);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-0.5 * ((i - reach) / deviation) ** 2),
  );
  const total = weights.reduce((a, b) => a + b, 0);
  const between = step === 1 ? length : 1; // from one line to the next
  const out = new Float64Array(values.length);
  for (let line = 0; line < lines; line++)
    for (let i = 0; i < length; i++)
      out[line * between + i * step] = weights.reduce((sum, weight, k) => {
        const from = (((i + k - reach) % length) + length) % length;
        return sum + (weight / total) * values[line * between + from * step]!;
      }, 0);
  return out;
}
