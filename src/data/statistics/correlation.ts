import type { RawImage } from '../sources/dataset.ts';

/** Blocks along the shorter side. */
const BLOCKS = 12;
/** Distances in pixels at which pixels are compared, in images whose shorter side is at most 128 pixels. */
const DISTANCES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];

/**
 * Gathers the spatial correlation of pixels: the mean over images, over rows and over columns of the product of two grey values at a
 * distance, less the image's mean, relative to the variance. Distances are shares of the shorter side.
 */
export class Correlation {
  /** Σ variance and Σ covariance of images, by distance as a share of the shorter side. */
  readonly #sums = new Map<number, { variance: number; covariance: number }>();
  /** Σ correlation of adjacent pixels of blocks, and their number. */
  readonly #blocks = { sum: 0, count: 0 };

  add(image: RawImage): void {
    const { width, height } = image;
    const grey = centred(image);
    const variance = grey.reduce((sum, value) => sum + value ** 2, 0) / grey.length;
    const shorter = Math.min(width, height);
    this.#addBlocks(grey, width, height);
    for (const distance of DISTANCES.filter((pixels) => pixels <= shorter / 2)) {
      const across = products(grey, width, height, distance, 1);
      const down = products(grey, width, height, distance, width);
      const share = distance / shorter;
      const sums = this.#sums.get(share) ?? { variance: 0, covariance: 0 };
      this.#sums.set(share, {
        variance: sums.variance + variance,
        covariance: sums.covariance + (across + down) / 2,
      });
    }
  }

  /**
   * Mean correlation of adjacent pixels in blocks of a twelfth of the shorter side, each with its own mean and variance: near 1 for
   * smooth blocks, near 0 for noise. 1 where every block is flat.
   */
  ofBlocks(): number {
    const { sum, count } = this.#blocks;
    return count > 0 ? sum / count : 1;
  }

  #addBlocks(grey: Float64Array, width: number, height: number): void {
    const side = Math.max(8, Math.floor(Math.min(width, height) / BLOCKS));
    for (let top = 0; top + side <= height; top += side)
      for (let left = 0; left + side <= width; left += side) {
        const block = Float64Array.from(
          { length: side * side },
          (_, i) => grey[(top + Math.floor(i / side)) * width + left + (i % side)]!,
        );
        const mean = block.reduce((sum, value) => sum + value, 0) / block.length;
        const centred = block.map((value) => value - mean);
        const variance = centred.reduce((sum, value) => sum + value ** 2, 0) / block.length;
        if (variance === 0) continue;
        const both = products(centred, side, side, 1, 1) + products(centred, side, side, 1, side);
        this.#blocks.sum += both / 2 / variance;
        this.#blocks.count++;
      }
  }

  /** Correlation by distance, the nearest first. */
  curve(): [share: number, correlation: number][] {
    return [...this.#sums]
      .sort(([a], [b]) => a - b)
      .map(([share, { variance, covariance }]) => [share, variance > 0 ? covariance / variance : 1]);
  }

  /** The first distance at which the correlation is 1/e, between two distances on a line; 0.5 where it stays above. */
  length(): number {
    let [before, above] = [0, 1];
    for (const [share, correlation] of this.curve()) {
      if (correlation <= 1 / Math.E)
        return before + ((above - 1 / Math.E) / (above - correlation)) * (share - before);
      [before, above] = [share, correlation];
    }
    return 0.5;
  }
}

/** Means of the channels of each pixel, less their mean over the image. */
function centred({ data, channels }: RawImage): Float64Array {
  const grey = Float64Array.from({ length: data.length / channels }, (_, i) => {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += data[i * channels + c]!;
    return sum / channels;
  });
  const mean = grey.reduce((sum, value) => sum + value, 0) / grey.length;
  return grey.map((value) => value - mean);
}

/** Mean product of pixels that lie `distance` apart in a row (step 1) or in a column (step `width`). */
function products(grey: Float64Array, width: number, height: number, distance: number, step: number): number {
  const [columns, rows] = step === 1 ? [width - distance, height] : [width, height - distance];
  let sum = 0;
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) sum += grey[y * width + x]! * grey[y * width + x + distance * step]!;
  return sum / (columns * rows);
}
