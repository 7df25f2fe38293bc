import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RunError } from '../run/error.ts';
import { findWeights } from '../run/folder.ts';

/** What a folder of Hugging Face or timm calls its weights, the first choice first. */
const NAMES = ['model.safetensors', 'pytorch_model.bin'];

/**
 * The file of weights that a path means: the file itself, or that of a folder of Hugging Face or timm, or of a run.
 * Throws RunError when there is none.
 */
export async function findModelFile(path: string): Promise<string> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const names = isFolder ? await readdir(path) : [];
  const name = NAMES.find((known) => names.includes(known));
  if (name) return join(path, name);
  if (names.some((each) => /\.(safetensors|bin)\.index\.json$/.test(each)))
    throw new RunError(`weights must lie in one file, got ${path} with several (an index.json)`);
  return findWeights(path);
}
