import { add, constant, matmul, mul, reshape, slice, sub, type Tensor } from '../graph/index.ts';
import type { Size } from '../image/size.ts';

/**
 * Two-dimensional Fourier transforms of real images, as products with constant matrices. The spectrum of a real image is
 * conjugate-symmetric, so only columns 0 … ⌊W/2⌋ are computed; `columnCounts` gives their multiplicity.
 */

/** Real and imaginary part, [B, C, rows, columns] each. */
export interface Spectrum {
  readonly re: Tensor;
  readonly im: Tensor;
}

/** Number of computed columns: frequencies 0 to ⌊W/2⌋. */
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
 * Ideal circular low-pass filter: [B, C, H, W] → [B, C, H, W].
 * @param radius as a fraction of the side: frequency (k, l) passes if (k/H)² + (l/W)² < radius²
 */
export function lowPass(image: Tensor, radius: number): Tensor {
  const [batch, channels, height, width] = image.shape as [number, number, number, number];
  // Filters the difference from one pixel. A flat picture thus stays exactly flat, whatever the rounding of the
  // products.
  const level = slice(image, [0, 0, 0, 0], [batch, channels, 1, 1]);
  const { re, im } = spectrum(sub(image, level));
  const passed = constant(
    lowFrequencies([height, width], radius).map((low, i) => low * countOf(i % columnsOf(width), width)),
    [height, columnsOf(width)],
  );
  const [a, b] = [mul(re, passed), mul(im, passed)];
  const down = waves(height, height);
  const across = waves(columnsOf(width), width);
  const transposed = (matrix: Tensor, x: Tensor) => matmul(matrix, x, { transposeA: true });
  const rowsRe = sub(transposed(down.cos, a), transposed(down.sin, b));
  const rowsIm = add(transposed(down.sin, a), transposed(down.cos, b));
  const pixels = sub(matmul(rowsRe, across.cos), matmul(rowsIm, across.sin));
  return add(reshape(pixels, [batch, channels, height, width]), level);
}

/**
 * Margin for rounding: frequencies exactly on the circle count as high, for example (3/28)² + (4/28)² = (40/224)².
 */
const ROUNDING = 1e-12;

/**
 * 1 for frequencies inside of the circle, 0 outside: [H · (⌊W/2⌋ + 1)].
 * @param radius see `lowPass`
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

/** Multiplicity of each computed column in the full spectrum of W columns: [H · (⌊W/2⌋ + 1)]. */
export function columnCounts([height, width]: Size): Float32Array {
  const columns = columnsOf(width);
  return Float32Array.from({ length: height * columns }, (_, i) => countOf(i % columns, width));
}

const countOf = (column: number, width: number) => (column === 0 || 2 * column === width ? 1 : 2);

/** cos and sin of 2π·k·x/n, divided by √n: [frequencies, n] each. */
function waves(frequencies: number, n: number) {
  const table = (wave: (angle: number) => number) =>
    constant(
      Float32Array.from({ length: frequencies * n }, (_, i) => {
        // Reducing the product modulo n keeps large angles exact.
        const phase = (Math.floor(i / n) * (i % n)) % n;
        return wave((2 * Math.PI * phase) / n) / Math.sqrt(n);
      }),
      [frequencies, n],
    );
  return { cos: table(Math.cos), sin: table(Math.sin) };
}
