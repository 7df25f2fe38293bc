import { add, constant, matmul, mul, reshape, slice, sub, type Tensor } from '../graph/index.ts';
import type { Size } from '../image/size.ts';

/**
 * Two-dimensional Fourier transforms of real images as products with constant matrices. As a real image's spectrum is
 * conjugate-symmetric, only columns 0 … ⌊W/2⌋ are computed: `weights` count what they stand for.
 */

/** Real and imaginary part: [B, C, rows, columns] each. */
export interface Spectrum {
  readonly re: Tensor;
  readonly im: Tensor;
}

/** The half of a spectrum that is computed: all frequencies down, those from 0 to ⌊W/2⌋ across. */
const columnsOf = (width: number) => Math.floor(width / 2) + 1;

/** The orthonormal spectrum of images [B, C, H, W], columns 0 … ⌊W/2⌋: NumPy's `rfft2(x, norm='ortho')`. */
export function spectrum(image: Tensor): Spectrum {
  const [height, width] = image.shape.slice(2) as [number, number];
  const across = waves(columnsOf(width), width);
  const down = waves(height, height);
  const by = (x: Tensor, matrix: Tensor) => matmul(x, matrix, { transposeB: true });
  const [re, im] = [by(image, across.cos), by(image, across.sin)]; // im negated
  return {
    re: sub(matmul(down.cos, re), matmul(down.sin, im)),
    im: mul(add(matmul(down.sin, re), matmul(down.cos, im)), -1),
  };
}

/**
 * Images without their high frequencies: an ideal circular low-pass filter, [B, C, H, W] → [B, C, H, W].
 * @param radius as a share of the side: frequency (k, l) stays where (k/H)² + (l/W)² < radius²
 */
export function lowPass(image: Tensor, radius: number): Tensor {
  const [batch, channels, height, width] = image.shape as [number, number, number, number];
  // What all pixels share passes. Without it, a flat picture is 0 and stays flat, however products are rounded.
  const level = slice(image, [0, 0, 0, 0], [batch, channels, 1, 1]);
  const { re, im } = spectrum(sub(image, level));
  const kept = constant(
    lowFrequencies([height, width], radius).map((low, i) => low * countOf(i % columnsOf(width), width)),
    [height, columnsOf(width)],
  );
  const [a, b] = [mul(re, kept), mul(im, kept)];
  const down = waves(height, height);
  const across = waves(columnsOf(width), width);
  const turned = (matrix: Tensor, x: Tensor) => matmul(matrix, x, { transposeA: true });
  const rowsRe = sub(turned(down.cos, a), turned(down.sin, b));
  const rowsIm = add(turned(down.sin, a), turned(down.cos, b));
  const pixels = sub(matmul(rowsRe, across.cos), matmul(rowsIm, across.sin));
  return add(reshape(pixels, [batch, channels, height, width]), level);
}

/** Frequencies on the circle itself count as high, however their sum of squares is rounded: (3/28)² + (4/28)² is (40/224)². */
const ROUNDING = 1e-12;

/**
 * 1 for the frequencies inside of the circle, 0 outside: [H · (⌊W/2⌋ + 1)].
 * @param radius as for `lowPass`
 */
export function lowFrequencies([height, width]: Size, radius: number): Float32Array {
  const columns = columnsOf(width);
  return Float32Array.from({ length: height * columns }, (_, i) => {
    const row = Math.floor(i / columns);
    const k = (row <= height / 2 ? row : row - height) / height;
    const l = (i % columns) / width;
    return k * k + l * l < radius * radius * (1 - ROUNDING) ? 1 : 0;
  });
}

/** How many of the W columns of a spectrum each computed one stands for: [H · (⌊W/2⌋ + 1)]. */
export function columnCounts([height, width]: Size): Float32Array {
  const columns = columnsOf(width);
  return Float32Array.from({ length: height * columns }, (_, i) => countOf(i % columns, width));
}

const countOf = (column: number, width: number) => (column === 0 || 2 * column === width ? 1 : 2);

/** cos and sin of 2π·k·x/n over √n: [frequencies, n] each. */
function waves(frequencies: number, n: number) {
  const table = (wave: (angle: number) => number) =>
    constant(
      Float32Array.from({ length: frequencies * n }, (_, i) => {
        // The product is reduced first: angles stay exact however large it is.
        const turn = (Math.floor(i / n) * (i % n)) % n;
        return wave((2 * Math.PI * turn) / n) / Math.sqrt(n);
      }),
      [frequencies, n],
    );
  return { cos: table(Math.cos), sin: table(Math.sin) };
}
