import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../io/atomic.ts';
import { cacheFolder } from '../../io/cache-folder.ts';
import type { NamedTensor } from '../../io/dtypes.ts';
import { FileFormatError } from '../../io/file-format-error.ts';
import { makeFolder } from '../../io/make-folder.ts';
import { readSafetensors, writeSafetensors } from '../../io/safetensors.ts';
import { plainMessage } from '../../io/system-error.ts';
import type { Features } from './features.ts';

/** Features of some images of a data set that follow each other. */
export interface Part extends Features {
  /** Images of the part that could not be read: their names and the reasons. */
  readonly broken: readonly (readonly [id: string, reason: string])[];
}

/** What is known of the features under a key. */
export interface CachedFeatures {
  readonly key: string;
  /** The model's file and the images, as they were called. */
  readonly model: string;
  readonly images: string;
  readonly parts: number;
  readonly bytes: number;
}

/** Where features are kept: `features` in the cache folder. */
export function featureCacheFolder(cache = cacheFolder()): string {
  return join(cache, 'features');
}

/** A name for what depends on all of `contents` and nothing else; arrays count by their bytes. */
export function contentKey(contents: readonly (string | Float32Array)[]): string {
  const hash = createHash('sha256');
  for (const content of contents) {
    const bytes =
      typeof content === 'string'
        ? Buffer.from(content)
        : new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
    hash.update(`${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex').slice(0, 32);
}

/**
 * Features of one model and one data set on the disk, in parts. Each part is one file that is there as a whole or not at
 * all, and whose content follows from the key: processes may read and write the same ones at once. A disk that cannot be used costs
 * time and nothing else: that is told once for each folder.
 */
export class FeatureStore {
  readonly #folder: string;
  readonly #about: Pick<CachedFeatures, 'model' | 'images'>;
  readonly #giveUp: (error: unknown) => void;
  #isUsable = true;
  #described = false;

  /** @param tell called with why features are not kept */
  constructor(
    folder: string,
    key: string,
    about: Pick<CachedFeatures, 'model' | 'images'>,
    tell: (message: string) => void = console.warn,
  ) {
    this.#folder = join(folder, key);
    this.#about = about;
    this.#giveUp = (error) => {
      this.#isUsable = false;
      if (unusable.has(folder)) return;
      unusable.add(folder);
      tell(
        `features are not kept on the disk, BEYOND_MASKING_CACHE may name another folder: ${plainMessage(error)}`,
      );
    };
  }

  /** A part; undefined when it is not there, damaged, or cannot be read: then it is made again. */
  async read(number: number): Promise<Part | undefined> {
    try {
      const { tensors, metadata } = await readSafetensors(this.#file(number), {
        names: ['features', 'indices'],
      });
      const { data, shape } = tensors.get('features')!;
      const broken = JSON.parse(metadata.broken ?? '') as Part['broken'];
      const indices = tensors.get('indices')!.data as Int32Array;
      return { features: data as Float32Array, width: shape[1]!, indices, broken };
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      const damaged = error instanceof FileFormatError || error instanceof SyntaxError;
      if (!missing && !damaged) this.#giveUp(error);
      return undefined;
    }
  }

  async write(number: number, part: Part): Promise<void> {
    if (this.#isUsable) await this.#put(number, part).catch(this.#giveUp);
  }

  async #put(number: number, { features, width, indices, broken }: Part): Promise<void> {
    await makeFolder(this.#folder);
    if (!this.#described) await writeFileAtomic(join(this.#folder, ABOUT), JSON.stringify(this.#about));
    this.#described = true;
    const shape = [indices.length, width];
    const tensors = new Map<string, NamedTensor>([
      ['features', { dtype: 'F32', shape, data: features as Float32Array<ArrayBuffer> }],
      ['indices', { dtype: 'I32', shape: [indices.length], data: indices as Int32Array<ArrayBuffer> }],
    ]);
    await writeSafetensors(this.#file(number), tensors, { broken: JSON.stringify(broken) });
  }

  #file(number: number): string {
    return join(this.#folder, `part-${String(number).padStart(5, '0')}.safetensors`);
  }
}

const ABOUT = 'about.json';

/** Folders that could not be used, of which that was told. */
const unusable = new Set<string>();

/** All features that are kept. */
export async function listFeatures(folder = featureCacheFolder()): Promise<CachedFeatures[]> {
  const keys = (await names(folder)).filter((name) => /^[0-9a-f]{32}$/.test(name));
  return Promise.all(keys.map((key) => describe(folder, key)));
}

/** Removes all features that are kept, those of extractions that were killed included. */
export async function clearFeatures(folder = featureCacheFolder()): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

async function describe(folder: string, key: string): Promise<CachedFeatures> {
  const inner = join(folder, key);
  const files = await names(inner);
  const sizes = await Promise.all(files.map((file) => sizeOf(join(inner, file))));
  const about = await readFile(join(inner, ABOUT), 'utf8').then(
    (text) => JSON.parse(text) as Pick<CachedFeatures, 'model' | 'images'>,
    () => ({ model: '?', images: '?' }),
  );
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  return { key, ...about, parts: files.filter((file) => file.startsWith('part-')).length, bytes };
}

async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
}

/** 0 for what another process has just removed. */
async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
