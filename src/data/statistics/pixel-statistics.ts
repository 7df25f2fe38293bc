import type { RawImage } from '../sources/dataset.ts';

/** Gathers mean and standard deviation of each channel, of pixels in [0, 1]. Each image counts the same, whatever its size. */
export class PixelStatistics {
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;
  #images = 0;

  constructor(channels: number) {
    this.#sums = new Float64Array(channels);
    this.#squares = new Float64Array(channels);
  }

  add({ data, channels }: RawImage): void {
    const pixels = data.length / channels;
    const [sums, squares] = [new Float64Array(channels), new Float64Array(channels)];
    for (let i = 0; i < data.length; i++) {
      const value = data[i]! / 255;
      sums[i % channels]! += value;
      squares[i % channels]! += value ** 2;
    }
    for (let c = 0; c < channels; c++) {
      this.#sums[c]! += sums[c]! / pixels;
      this.#squares[c]! += squares[c]! / pixels;
    }
    this.#images++;
  }

  result(): { readonly mean: number[]; readonly std: number[] } {
    const mean = Array.from(this.#sums, (sum) => sum / this.#images);
    const std = Array.from(this.#squares, (sum, c) =>
      Math.sqrt(Math.max(0, sum / this.#images - mean[c]! ** 2)),
    );
    return { mean, std };
  }
}
