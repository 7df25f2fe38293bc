import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { NamedTensor } from './dtypes.ts';
import { FileFormatError } from './file-format-error.ts';
import type { TensorFile } from './tensor-file-types.ts';

/** Size limit of an index. A model has some thousand tensors. */
const MAX_INDEX_BYTES = 20_000_000;
const INDEX = /\.index\.json$/;

/** True for an index of weights in several files, as `transformers` writes it. */
export function isIndex(path: string): boolean {
  return INDEX.test(path);
}

/**
 * Opens weights in several files as one, by their index's path. Throws FileFormatError for a broken index, and for a
 * part that is missing or incomplete; and the errors of `open`.
 */
export async function openShards(
  path: string,
  open: (path: string) => Promise<TensorFile>,
): Promise<TensorFile> {
  const places = await readIndex(path);
  const parts = new Map<string, TensorFile>();
  for (const name of new Set(places.values())) {
    const part = await open(join(dirname(path), name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      throw new FileFormatError(
        path,
        `all parts of the weights must be in the folder of their index: download ${name} too`,
        'a folder without it',
      );
    });
    parts.set(name, part);
  }
  const tensors = new Map(
    [...places].map(([tensor, name]) => {
      const info = parts.get(name)!.tensors.get(tensor);
      if (info) return [tensor, info] as const;
      throw new FileFormatError(
        path,
        `${name} must hold tensor ${JSON.stringify(tensor)}`,
        'a file without it',
      );
    }),
  );
  const [first] = parts.values();
  return {
    path,
    format: first?.format ?? 'safetensors',
    tensors,
    metadata: {},
    settings: {},
    others: [],
    notes: [],
    async read(names) {
      const read = new Map<string, NamedTensor>();
      for (const [name, part] of parts) {
        const own = names.filter((tensor) => places.get(tensor) === name);
        if (own.length > 0) for (const [tensor, values] of await part.read(own)) read.set(tensor, values);
      }
      const missing = names.find((name) => !read.has(name));
      if (missing !== undefined)
        throw new FileFormatError(path, `it must name tensor ${JSON.stringify(missing)}`, [...places.keys()]);
      return read;
    },
  };
}

/** The part of each tensor. */
async function readIndex(path: string): Promise<Map<string, string>> {
  const bytes = await readFile(path);
  const fail = (got: unknown) =>
    new FileFormatError(
      path,
      'an index of weights must hold a weight_map from tensors to files in its folder',
      got,
    );
  if (bytes.length > MAX_INDEX_BYTES) throw fail(`${bytes.length} bytes`);
  let json: { weight_map?: unknown } | null;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw fail((error as Error).message);
  }
  const map = json?.weight_map;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) throw fail(map ?? 'none');
  const places = new Map(Object.entries(map));
  for (const name of places.values())
    if (
      typeof name !== 'string' ||
      name !== basename(name) ||
      name.includes('\\') ||
      isIndex(name) ||
      name === '..'
    )
      throw fail(name);
  if (places.size === 0) throw fail('no tensors');
  return places;
}
