import { writeFileAtomic } from '../../io/atomic.ts';
import { makeFolder } from '../../io/make-folder.ts';
import { type RunFolder, requireSame, runFolder } from '../../run/folder.ts';
import { appendSitting } from '../../run/sittings.ts';
import { usualScore } from './knn.ts';
import type { KnnReport } from './knn-report.ts';

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
