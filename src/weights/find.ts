import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RunError } from '../run/error.ts';
import { findWeights } from '../run/folder.ts';
import { packagedFolder } from './packaged.ts';

/** File names of weights in folders of Hugging Face or timm, in order of preference. */
const NAMES = [
  'model.safetensors',
  'model.safetensors.index.json', // for weights in several files
  'pytorch_model.bin',
  'pytorch_model.bin.index.json',
];

const WEIGHTS = /\.(safetensors|pth|pt|bin)$/;

/**
 * The file of weights for a path: the file itself, the weights in a folder of Hugging Face or timm, the only file of
 * weights in a folder, or the checkpoint of a run; else for the name of a model that comes with the package. Throws
 * RunError if there is none.
 */
export async function findModelFile(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  const packaged = found ? undefined : packagedFolder(path);
  if (packaged) return findModelFile(packaged);
  const names = found?.isDirectory() ? await readdir(path) : [];
  const name = NAMES.find((known) => names.includes(known));
  if (name) return join(path, name);
  const files = names.includes('checkpoints') ? [] : names.filter((each) => WEIGHTS.test(each));
  if (files.length === 1) return join(path, files[0]!);
  if (files.length > 1)
    throw new RunError(
      `one file of weights must be meant, got ${path} with ${files.slice(0, 5).join(', ')}: name one of them`,
    );
  return findWeights(path);
}
