import { createRequire } from 'node:module';
import { basename, relative } from 'node:path';
import { appendRow, readRows } from '../io/jsonl.ts';
import { shellLine } from '../text/shell.ts';
import type { RunFolder } from './folder.ts';

/** The images of a run, and the images that judge it. */
export interface Judged {
  /** Their source: `cifar10`, `classes:FOLDER`. */
  readonly source: string;
  /** Source of the images that judge, if they are no share of `source`. */
  readonly testSource?: string | undefined;
  /** Images that were learned from, or that voted. */
  readonly images: number;
  /** Images that were judged. */
  readonly testImages: number;
  /** Parts of a cross-validation; as many as images for leave-one-out. Absent where the images that judge are set aside. */
  readonly folds?: number | undefined;
}

/** The record of a session of a run. */
export interface Sitting extends Judged {
  /** When it began, in ISO 8601. */
  readonly date: string;
  /** Of this library. */
  readonly version: string;
  /** The command that did it, for a shell. */
  readonly command: string;
  readonly engine: string;
}

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

/** Notes in the folder of a run that work on it begins now. Throws the system's error. */
export async function appendSitting(folder: RunFolder, engine: string, judged: Judged): Promise<void> {
  const date = new Date().toISOString();
  await appendRow(folder.sittings, { date, version, command: commandOf(process.argv), engine, ...judged });
}

/** All sittings of a run, the oldest first; none of runs of earlier versions. */
export async function readSittings(folder: RunFolder): Promise<Partial<Sitting>[]> {
  return readRows<Partial<Sitting>>(folder.sittings).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}

/** The command that started this process, as a person would type it. @param argv node, script, arguments */
export function commandOf([node = 'node', script = '', ...args]: readonly string[]): string {
  const isOwn = /(^|[\\/])beyond-masking(\.[a-z]+)?$|[\\/]cli[\\/]main\.[jt]s$/.test(script);
  const start = isOwn ? ['npx', 'beyond-masking'] : [basename(node), relative(process.cwd(), script)];
  return shellLine(...[...start, ...args].filter(Boolean));
}
