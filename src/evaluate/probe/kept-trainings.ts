import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Values } from '../../graph/index.ts';
import type { NamedTensor } from '../../io/dtypes.ts';
import { FileFormatError } from '../../io/file-format-error.ts';
import { readSafetensors, writeSafetensors } from '../../io/safetensors.ts';

/** The state of a training of heads between two updates. */
export interface ProbeState {
  /** Complete epochs, and updates in the current one. */
  readonly epoch: number;
  readonly batch: number;
  /** For each head: the sum of its losses in these updates, divided by the updates per epoch. */
  readonly losses: readonly number[];
  /** Weights, biases and optimizer slots of all heads. */
  readonly session: Values;
  /** Running averages of each set's batch norm. */
  readonly norms: readonly { readonly mean: Float64Array; readonly variance: Float64Array }[];
}

/** Saves the state of one training. */
export interface TrainingKeeper {
  read(): Promise<ProbeState | undefined>;
  write(state: ProbeState): Promise<void>;
}

const aboutSchema = z.object({
  key: z.string(),
  epoch: z.number(),
  batch: z.number(),
  losses: z.array(z.number()),
});
const NORM = 'norm:';

/** Saves the trainings of a probe in files of a folder, numbered in order. */
export class KeptTrainings {
  readonly #folder: string;
  readonly #key: string;
  #count = 0;

  /** @param key contains everything that the trainings depend on; states with another key are ignored */
  constructor(folder: string, key: string) {
    this.#folder = folder;
    this.#key = key;
  }

  /** Returns the keeper of the next training. */
  next(): TrainingKeeper {
    const path = join(this.#folder, `training-${this.#count++}.safetensors`);
    return {
      read: () => this.#read(path),
      write: (state) => this.#write(path, state),
    };
  }

  async #read(path: string): Promise<ProbeState | undefined> {
    try {
      const { tensors, metadata } = await readSafetensors(path);
      const { key, ...at } = aboutSchema.parse(JSON.parse(metadata.about ?? ''));
      if (key !== this.#key) return undefined;
      const arrays = [...tensors].map(([name, { data }]) => [name, data] as const);
      const session = Object.fromEntries(arrays.filter(([name]) => !name.startsWith(NORM))) as Values;
      const norm = (set: number, part: string) => tensors.get(`${NORM}${set}:${part}`)?.data as Float64Array;
      const sets = (tensors.size - Object.keys(session).length) / 2;
      const norms = Array.from({ length: sets }, (_, set) => ({
        mean: norm(set, 'mean'),
        variance: norm(set, 'variance'),
      }));
      return { ...at, session, norms };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || error instanceof FileFormatError || error instanceof z.ZodError)
        return undefined;
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  async #write(path: string, { session, norms, ...at }: ProbeState): Promise<void> {
    const tensors = new Map<string, NamedTensor>();
    for (const [name, data] of Object.entries(session))
      tensors.set(name, { dtype: 'F32', shape: [data.length], data: data as Float32Array<ArrayBuffer> });
    for (const [set, norm] of norms.entries())
      for (const part of ['mean', 'variance'] as const) {
        const data = norm[part] as Float64Array<ArrayBuffer>;
        tensors.set(`${NORM}${set}:${part}`, { dtype: 'F64', shape: [data.length], data });
      }
    await writeSafetensors(path, tensors, { about: JSON.stringify({ key: this.#key, ...at }) });
  }
}

/** Paths of the states in a folder; none if the folder does not exist. */
export async function keptTrainings(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => /^training-\d+\.safetensors$/.test(name)).map((name) => join(folder, name));
}

export async function removeKeptTrainings(folder: string): Promise<void> {
  for (const path of await keptTrainings(folder)) await rm(path, { force: true });
}
