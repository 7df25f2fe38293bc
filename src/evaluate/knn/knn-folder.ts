import { writeFileAtomic } from '../../io/atomic.ts';
import { makeFolder } from '../../io/make-folder.ts';
import { type RunFolder, requireSame, runFolder } from '../../run/folder.ts';
import { appendSitting } from '../../run/sittings.ts';
import { usualScore } from './knn.ts';

/** Top-1 accuracies, in [0, 1], by number of neighbours, which is at most the number of voters: `knn10`, `knn20`, … */
export type KnnByNeighbours = Record<string, number>;

export interface KnnReport {
  /** For the model's features, for the same model with random weights, and for raw pixels (at most 32 × 32). */
  readonly features: KnnByNeighbours;
  readonly random: KnnByNeighbours;
  readonly pixels: KnnByNeighbours;
  /** Numbers of voting and of classified images. */
  readonly train: number;
  readonly test: number;
  /** True: each image was classified by all others, as there were too few for a test set and the options gave none. */
  readonly leaveOneOut: boolean;
  /** The sources of the voting images, and of the classified images if it is another. */
  readonly source: string;
  readonly testSource?: string;
  /** The engine (`Engine.description`). */
  readonly engine: string;
}

/** The folder of a kNN report: settings, and a row with the scores. `report` reads it like the folder of a run. */
export class KnnFolder {
  readonly #folder: RunFolder;
  readonly #config: string;

  private constructor(folder: RunFolder, config: string) {
    this.#folder = folder;
    this.#config = config;
  }

  /** Throws RunError if the folder holds anything but a report with the same settings. */
  static async open(path: string, from: string, settings: object): Promise<KnnFolder> {
    const config = `${JSON.stringify({ kind: 'knn', from, ...settings }, null, 2)}\n`;
    const folder = runFolder(path);
    await requireSame(folder, 'kNN report', config);
    return new KnnFolder(folder, config);
  }

  /** Writes a report, or those of several checkpoints with their steps, the newest last. */
  async save(...reports: readonly (KnnReport & { readonly step?: number })[]): Promise<void> {
    const { train, test, leaveOneOut, source, testSource, engine } = reports.at(-1)!;
    const { path, config, metrics } = this.#folder;
    await makeFolder(path);
    await writeFileAtomic(config, this.#config);
    await writeFileAtomic(metrics, reports.map((report) => `${JSON.stringify(rowOf(report))}\n`).join(''));
    await appendSitting(this.#folder, engine, {
      ...{ source, testSource, images: train, testImages: test },
      folds: leaveOneOut ? test : undefined,
    });
  }
}

function rowOf({ step = 0, features, random, pixels, train, test }: KnnReport & { readonly step?: number }) {
  const { k, top1 } = usualScore(features);
  const of = (by: Readonly<Record<string, number>>) => by[`knn${k}`];
  const knn = { k, features: top1, random: of(random), pixels: of(pixels), train, test };
  return { step, epoch: 0, top1, knn, neighbours: { features, random, pixels } };
}
