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

/** Features of consecutive images of a data set. */
export interface Part extends Features {
  /** Names of the unreadable images of the part, with the reasons. */
  readonly broken: readonly (readonly [id: string, reason: string])[];
}

/** A summary of the features under a key. */
export interface CachedFeatures {
  readonly key: string;
  /** The model's file and the images, as the user named them. */
  readonly model: string;
  readonly images: string;
  readonly parts: number;
  readonly bytes: number;
}

/** The default folder of cached features: `features` in the cache folder. */
export function featureCacheFolder(cache = cacheFolder()): string {
  return join(cache, 'features');
}

/** A hash of `contents`; arrays are hashed by their bytes. */
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
 * The cached features of one model and one data set, in parts. Each part is one file, which is written atomically and whose content is
 * determined by the key, so processes may read and write the same parts concurrently. An unusable disk only costs time; it is reported
 * once per folder.
 */
export class FeatureStore {
  readonly #folder: string;
  readonly #about: Pick<CachedFeatures, 'model' | 'images'>;
  readonly #giveUp: (error: unknown) => void;
  #isUsable = true;
  #described = false;

  /** @param warn called with the reason if features cannot be cached */
  constructor(
    folder: string,
    key: string,
    about: Pick<CachedFeatures, 'model' | 'images'>,
    warn: (message: string) => void = console.warn,
  ) {
    this.#folder = join(folder, key);
    this.#about = about;
    this.#giveUp = (error) => {
      this.#isUsable = false;
      if (unusable.has(folder)) return;
      unusable.add(folder);
      warn(
        `features are not cached on disk, set BEYOND_MASKING_CACHE to another folder: ${plainMessage(error)}`,
      );
    };
  }

  /** A part; undefined if it is missing, damaged or unreadable, and must be computed again. */
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

/** Unusable folders that were reported. */
const unusable = new Set<string>();

/** All cached features. */
export async function listFeatures(folder = featureCacheFolder()): Promise<CachedFeatures[]> {
  const keys = (await names(folder)).filter((name) => /^[0-9a-f]{32}$/.test(name));
  return Promise.all(keys.map((key) => describe(folder, key)));
}

/** Removes all cached features, including parts of interrupted extractions. */
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

/** Size of a file; 0 if another process has just removed it. */
async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
