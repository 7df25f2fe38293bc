import { writeFileAtomic } from '../../io/atomic.ts';
import { makeFolder } from '../../io/make-folder.ts';
import { type RunFolder, requireSame, runFolder } from '../../run/folder.ts';
import { appendSitting } from '../../run/sittings.ts';
import { usualScore } from './knn.ts';

/** Top-1 accuracies, in [0, 1], by number of neighbours, of which there are never more than voters: `knn10`, `knn20`, … */
export type KnnByNeighbours = Record<string, number>;

export interface KnnReport {
  /** Of the model's features, of those of the same model with random weights, and of raw pixels (32 × 32 at most). */
  readonly features: KnnByNeighbours;
  readonly random: KnnByNeighbours;
  readonly pixels: KnnByNeighbours;
  /** Images that voted, and images that were classified. */
  readonly train: number;
  readonly test: number;
  /** Whether each image was classified by all others: there are too few to set some aside, and nobody said how. */
  readonly leaveOneOut: boolean;
  /** What the images were opened from: those that voted, and those that were classified where these are others. */
  readonly source: string;
  readonly testSource?: string;
  /** What computed (`Engine.description`). */
  readonly engine: string;
}

/** The folder of a kNN report, which `report` reads as it reads the folders of runs: settings, and a row with the scores. */
export class KnnFolder {
  readonly #folder: RunFolder;
  readonly #config: string;

  private constructor(folder: RunFolder, config: string) {
    this.#folder = folder;
    this.#config = config;
  }

  /** Throws RunError when the folder holds something else than the very same report. */
  static async open(path: string, from: string, settings: object): Promise<KnnFolder> {
    const config = `${JSON.stringify({ kind: 'knn', from, ...settings }, null, 2)}\n`;
    const folder = runFolder(path);
    await requireSame(folder, 'kNN report', config);
    return new KnnFolder(folder, config);
  }

  async save(report: KnnReport): Promise<void> {
    const { features, random, pixels, train, test, leaveOneOut, source, testSource, engine } = report;
    const { k, top1 } = usualScore(features);
    const of = (by: Readonly<Record<string, number>>) => by[`knn${k}`];
    const knn = { k, features: top1, random: of(random), pixels: of(pixels), train, test };
    const row = { step: 0, epoch: 0, top1, knn, neighbours: { features, random, pixels } };
    const { path, config, metrics } = this.#folder;
    await makeFolder(path);
    await writeFileAtomic(config, this.#config);
    await writeFileAtomic(metrics, `${JSON.stringify(row)}\n`);
    await appendSitting(this.#folder, engine, {
      ...{ source, testSource, images: train, testImages: test },
      folds: leaveOneOut ? test : undefined,
    });
  }
}
