import { z } from 'zod';
import { slotName } from '../backends/backend.ts';
import { ConfigError } from '../config/error.ts';
import { type Config, parseConfig } from '../config/schema.ts';
import type { Cursor } from '../data/sampler.ts';
import type { Values } from '../graph/index.ts';
import type { NamedTensor } from '../io/dtypes.ts';
import { FileFormatError } from '../io/file-format-error.ts';
import { readHeader, readSafetensors, writeSafetensors } from '../io/safetensors.ts';
import type { ParameterSpec } from '../nn/parameters.ts';

/** Where a run stands. Everything else that training depends on is in its settings and its weights. */
export interface Progress {
  /** Updates tried so far, those included that were skipped because something was not finite. */
  readonly step: number;
  readonly skipped: number;
  /** Passes over the images that are complete. */
  readonly epoch: number;
  /** The image that comes next, as the loader counts. */
  readonly cursor: Cursor;
  /** What was trained on (`Dataset.contentKey`) and what ran the steps (`Backend.description`). */
  readonly data: string;
  readonly engine: string;
}

/** What a checkpoint says about itself, without its tensors. */
export interface CheckpointInfo {
  readonly path: string;
  readonly config: Config;
  readonly progress: Progress;
}

export interface Checkpoint extends CheckpointInfo {
  readonly weights: ReadonlyMap<string, NamedTensor>;
  /** Weights and optimizer slots by their names in a session. */
  readonly state: Values;
}

const FORMAT = 'beyond-masking';
const VERSION = '1';

const progressSchema = z.strictObject({
  step: z.int().min(0),
  skipped: z.int().min(0),
  epoch: z.int().min(0),
  cursor: z.strictObject({ epoch: z.int().min(0), position: z.int().min(0) }),
  data: z.string(),
  engine: z.string(),
});

/**
 * Writes a checkpoint: weights, optimizer slots, settings and progress in one safetensors file, replaced in one
 * step. The same run gives the same bytes. Throws the system's error.
 */
export async function saveCheckpoint(
  path: string,
  {
    config,
    progress,
    state,
    parameters,
    slots,
  }: {
    readonly config: Config;
    readonly progress: Progress;
    readonly state: Values;
    readonly parameters: readonly ParameterSpec[];
    /** Kinds of optimizer slots of each trained weight. */
    readonly slots: readonly string[];
  },
): Promise<void> {
  const tensors = new Map<string, NamedTensor>();
  for (const { name, shape, trained } of parameters)
    for (const key of [name, ...(trained ? slots.map((slot) => slotName(slot, name)) : [])]) {
      const data = state[key];
      if (data) tensors.set(key, { dtype: 'F32', shape, data: data as Float32Array<ArrayBuffer> });
    }
  await writeSafetensors(path, tensors, {
    format: FORMAT,
    formatVersion: VERSION,
    config: JSON.stringify(config),
    progress: JSON.stringify(progress),
  });
}

/** Reads what a checkpoint says about itself. Throws FileFormatError for another kind of file, or the system's error. */
export async function readCheckpointInfo(path: string): Promise<CheckpointInfo> {
  return checkpointInfo(path, (await readHeader(path)).metadata);
}

/** Reads a whole checkpoint. Throws FileFormatError for a broken or foreign file, or the system's error. */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const { metadata, tensors } = await readSafetensors(path);
  const info = checkpointInfo(path, metadata);
  const state: Record<string, Float32Array> = {};
  for (const [name, { data, dtype }] of tensors) {
    if (dtype !== 'F32') throw new FileFormatError(path, `tensor ${name} must be F32`, dtype);
    state[name] = data as Float32Array;
  }
  const weights = new Map([...tensors].filter(([name]) => !name.includes(':')));
  return { ...info, weights, state };
}

/** Whether a file's metadata says that it is a checkpoint of a run. */
export function isCheckpoint(metadata: Readonly<Record<string, string>>): boolean {
  return metadata.format === FORMAT;
}

/** What the metadata of the checkpoint at `path` says. Throws FileFormatError when it is not one. */
export function checkpointInfo(path: string, metadata: Readonly<Record<string, string>>): CheckpointInfo {
  const fail = (rule: string, got: unknown) => new FileFormatError(path, rule, got);
  if (!isCheckpoint(metadata))
    throw fail(
      'a checkpoint of a run says format "beyond-masking" in its metadata',
      metadata.format ?? 'nothing',
    );
  if (metadata.formatVersion !== VERSION)
    throw fail(`the version of the checkpoint's format must be ${VERSION}`, metadata.formatVersion);
  try {
    const progress = progressSchema.parse(JSON.parse(metadata.progress ?? ''));
    return { path, config: parseConfig(JSON.parse(metadata.config ?? '')), progress };
  } catch (error) {
    if (error instanceof ConfigError) throw fail("the checkpoint's settings must be valid", error.message);
    throw fail("the checkpoint's metadata must hold settings and progress", (error as Error).message);
  }
}
