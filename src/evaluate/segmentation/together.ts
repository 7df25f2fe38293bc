import type { Maps } from './bilinear.ts';
import type { Logits, Planes } from './segment-image.ts';

interface Request {
  readonly job: number;
  readonly tiles: readonly Planes[];
  resolve(maps: readonly Maps[]): void;
  reject(error: unknown): void;
}

/**
 * Runs jobs of one image each, whose tiles the model takes together: small images fill its batches. Results come in the order of the
 * jobs, and the batches do not depend on the time that a job takes.
 * @param atOnce largest number of tiles per call of the model
 * Rejects with the first error of a job.
 */
export async function together<T>(
  jobs: readonly ((logits: Logits) => Promise<T>)[],
  logits: Logits,
  atOnce: number,
): Promise<T[]> {
  let active = jobs.length;
  let waiting: Request[] = [];
  const run = async (tiles: readonly Planes[]) => {
    const maps: Maps[] = [];
    for (let start = 0; start < tiles.length; start += atOnce)
      maps.push(...(await logits(tiles.slice(start, start + atOnce))));
    return maps;
  };
  const flush = () => {
    if (waiting.length === 0 || waiting.length < active) return;
    const asked = waiting.sort((a, b) => a.job - b.job);
    waiting = [];
    run(asked.flatMap(({ tiles }) => tiles)).then(
      (maps) => {
        let at = 0;
        for (const { tiles, resolve } of asked) {
          resolve(maps.slice(at, at + tiles.length));
          at += tiles.length;
        }
      },
      (error) => {
        for (const { reject } of asked) reject(error);
      },
    );
  };
  return Promise.all(
    jobs.map(async (job, i) => {
      try {
        return await job(
          (tiles) =>
            new Promise((resolve, reject) => {
              waiting.push({ job: i, tiles, resolve, reject });
              flush();
            }),
        );
      } finally {
        active--;
        flush();
      }
    }),
  );
}

/** `together` for the jobs 0, 1, … in groups of `atOnce`. Yields each group's results when it is done. */
export async function* inGroups<T>(
  indices: readonly number[],
  job: (index: number, logits: Logits) => Promise<T>,
  { logits, atOnce }: { readonly logits: Logits; readonly atOnce: number },
): AsyncGenerator<T[]> {
  for (let start = 0; start < indices.length; start += atOnce) {
    const group = indices.slice(start, start + atOnce);
    yield await together(
      group.map((index) => (logits: Logits) => job(index, logits)),
      logits,
      atOnce,
    );
  }
}
