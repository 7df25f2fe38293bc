import { rng } from '../../random/rng.ts';
import { upright } from '../augment/image.ts';
import { type Size, whole } from '../decode/crop.ts';
import { decodeView } from '../decode/decode.ts';
import { type Reading, requireChannels } from '../decode/reading.ts';
import { cropResize } from '../decode/resize.ts';
import { DataError } from '../error.ts';
import { BrokenImages, nothingReadable } from '../load/broken.ts';
import type { Dataset, RawImage } from '../sources/dataset.ts';
import { isEncoded } from '../sources/image-source.ts';
import { Correlation } from './correlation.ts';
import { exactDuplicates, NearDuplicates, type ReadingWatch } from './duplicates.ts';
import { PixelStatistics } from './pixel-statistics.ts';

/** Facts about the images of a data set, before a model sees them. */
export interface Survey {
  readonly images: number;
  /** Images that were read, chosen at random where there are more; those below are of these. */
  readonly read: number;
  /** Names of unreadable images with the reasons. */
  readonly broken: readonly (readonly [name: string, reason: string])[];
  /** Number of classes, where there are classes. */
  readonly classes?: number;
  /** Smallest, middle and largest length in pixels. */
  readonly shorterSide: Spread;
  readonly longerSide: Spread;
  /** 1 for grey images, also where they are stored as colours; 3 for colours; else the bands of most images. */
  readonly channels: number;
  /** Share of the images with 3 channels that show no colour. */
  readonly grey: number;
  /** Mean and standard deviation of each channel, or of each given one, of pixels in [0, 1]; each image counts the same. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /**
   * Distance at which the correlation of two pixels of an image has fallen to 1/e, as a share of the shorter side. At most 0.5; the
   * resolution is 1/128.
   */
  readonly correlationLength: number;
  /**
   * Mean correlation of adjacent pixels within blocks of a twelfth of the shorter side, which all count the same: below about a half most
   * blocks hold noise.
   */
  readonly blockCorrelation: number;
  /** Groups of names of equal files (of all images), or of equal pixels. */
  readonly duplicates: readonly (readonly string[])[];
  /** Groups of names of images that look the same, among the images read, exact duplicates left out. */
  readonly nearDuplicates: readonly (readonly string[])[];
  /** Time to read and shrink an image here, in seconds: the mean over the images read. */
  readonly readSeconds: number;
}

/** The smallest value, the middle one of the sorted values, and the largest. */
export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

/** With the channels of a model, images are read as the model takes them. */
export interface SurveyOptions extends ReadingWatch, Reading {
  /** Most images that are read. Default: 500. */
  readonly sample?: number | undefined;
}

const SAMPLE = 500;
/** Length of the shorter side at which images are measured, in pixels. */
const MEASURED = 128;
const AT_ONCE = 4;

/**
 * Reads a random part of the images of a data set (the same one each time) and measures it. Rejects with a DataError where none of them
 * can be read, and with the signal's reason.
 */
export async function surveyImages(dataset: Dataset, options: SurveyOptions = {}): Promise<Survey> {
  const { sample = SAMPLE, onProgress = () => {}, signal, channels: given, range } = options;
  const reading = { ...(given !== undefined && { channels: given }), ...(range && { range }) };
  const broken = new BrokenImages(() => {});
  const chosen = [...rng(0, 'survey').permutation(dataset.length).subarray(0, sample)].sort((a, b) => a - b);
  const seen: Seen[] = [];
  const began = performance.now();
  for (let start = 0; start < chosen.length; start += AT_ONCE) {
    signal?.throwIfAborted();
    const part = chosen.slice(start, start + AT_ONCE);
    const read = await Promise.all(
      part.map((index) =>
        shrunk(dataset, index, reading).catch((error) => {
          broken.add(dataset.id(index), error);
          return undefined;
        }),
      ),
    );
    for (const [i, found] of read.entries()) if (found) seen.push({ ...found, name: dataset.id(part[i]!) });
    onProgress('reading images', start + part.length, chosen.length);
  }
  const readSeconds = (performance.now() - began) / 1000 / chosen.length;
  if (seen.length === 0) throw nothingRead(dataset.name, broken, given);
  const usual = mode(seen.map(({ image }) => image.channels));
  const alike = seen.filter(({ image }) => given !== undefined || image.channels === usual);
  const colours = alike.filter(({ image }) => image.channels === 3);
  const greyOnes = colours.filter(({ image }) => isGrey(image));
  const channels = usual === 3 && greyOnes.length === colours.length ? 1 : usual;
  const statistics = new PixelStatistics(given ?? usual);
  const correlation = new Correlation();
  const near = new NearDuplicates();
  for (const { image, name } of alike) {
    statistics.add(given === undefined ? image : upright(image, given, false));
    correlation.add(image);
    near.add(image, name);
  }
  const duplicates = await exactDuplicates(dataset, chosen, { onProgress, signal });
  const { mean, std } = statistics.result();
  return {
    images: dataset.length,
    read: seen.length,
    broken: [...broken.reasons],
    ...(dataset.classes && { classes: dataset.classes.length }),
    shorterSide: spread(seen.map(({ size }) => Math.min(...size))),
    longerSide: spread(seen.map(({ size }) => Math.max(...size))),
    channels,
    grey: colours.length === 0 ? 0 : greyOnes.length / colours.length,
    mean: mean.slice(0, given ?? channels),
    std: std.slice(0, given ?? channels),
    correlationLength: correlation.length(),
    blockCorrelation: correlation.ofBlocks(),
    duplicates,
    nearDuplicates: near.groups(duplicates),
    readSeconds,
  };
}

interface Shrunk {
  /** Of the upright image. */
  readonly size: Size;
  /** Its shorter side is at most 128 pixels. */
  readonly image: RawImage;
}

interface Seen extends Shrunk {
  readonly name: string;
}

async function shrunk(dataset: Dataset, index: number, reading: Reading): Promise<Shrunk> {
  let size: Size = [0, 0];
  const choose = (given: Size) => {
    size = given;
    const scale = Math.min(1, MEASURED / Math.min(...given));
    const resized: Size = [
      Math.max(1, Math.round(given[0] * scale)),
      Math.max(1, Math.round(given[1] * scale)),
    ];
    return { box: whole(given), resized, window: whole(resized), flip: false };
  };
  const source = dataset.source?.(index);
  const fitting = (image: RawImage) => {
    if (reading.channels !== undefined) requireChannels(image.channels, reading.channels);
    return image;
  };
  if (isEncoded(source))
    return { image: fitting(await decodeView(source, choose, cropResize, reading)), size };
  const image = fitting(await dataset.image(index, reading));
  return { image: cropResize(image, choose([image.height, image.width])), size };
}

/** Where channels are given, they may be the reason: it is said with the remedy. */
function nothingRead(name: string, broken: BrokenImages, channels: number | undefined): DataError {
  const { message } = nothingReadable(name, broken);
  const [reason] = broken.reasons.values();
  const remedy =
    channels === undefined
      ? ''
      : ` (channels are given, ${channels}: leave out model.channels, data.mean and data.std, or give those of the images)`;
  return new DataError(`${message}: ${reason}${remedy}`);
}

/** True if no pixel has a colour, but for the rounding of a JPEG. */
function isGrey({ data }: RawImage): boolean {
  for (let i = 0; i < data.length; i += 3) {
    const [r, g, b] = [data[i]!, data[i + 1]!, data[i + 2]!];
    if (Math.max(r, g, b) - Math.min(r, g, b) > 3) return false;
  }
  return true;
}

function mode(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]![0];
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { least: sorted[0]!, median: sorted[Math.floor(sorted.length / 2)]!, most: sorted.at(-1)! };
}
