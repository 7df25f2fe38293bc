import { z } from 'zod';
import { ConfigError } from '../config/error.ts';
import type { Config } from '../config/schema.ts';
import type { Cursor } from '../data/load/sampler.ts';
import { slotName } from '../engines/engine.ts';
import type { Values } from '../graph/index.ts';
import type { NamedTensor } from '../io/dtypes.ts';
import { FileFormatError } from '../io/file-format-error.ts';
import { decodeSafetensors, encodeSafetensors, type SafetensorsFile } from '../io/safetensors-codec.ts';
import type { ParameterSpec } from '../nn/parameters.ts';
import type { RunConfig, RunKind } from './kind.ts';
import { pretraining } from './kinds/pretrain.ts';

/** Where a run stands. Everything else that training depends on is in its settings and its weights. */
export interface Progress {
  /** Updates tried so far, those included that were skipped because something was not finite. */
  readonly step: number;
  readonly skipped: number;
  /** Passes over the images that are complete. */
  readonly epoch: number;
  /** The image that comes next, as the loader counts. */
  readonly cursor: Cursor;
  /** The images, as `identify` gives them, and the engine of the steps (`Engine.description`). */
  readonly data: string;
  readonly engine: string;
  /** Names of the broken images that were passed over, with the reasons, in the order of the names. */
  readonly broken?: readonly (readonly [name: string, reason: string])[] | undefined;
}

/** The metadata of a checkpoint. */
export interface CheckpointInfo<C extends RunConfig = Config> {
  readonly path: string;
  readonly config: C;
  readonly progress: Progress;
  /** Names of a classifier's classes. */
  readonly classes?: readonly string[];
}

export interface Checkpoint<C extends RunConfig = Config> extends CheckpointInfo<C> {
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
  broken: z.array(z.tuple([z.string(), z.string()])).optional(),
});

/** The content of a checkpoint. */
export interface CheckpointContent<C extends RunConfig> {
  readonly kind: RunKind<C>;
  readonly config: C;
  /** Names of a classifier's classes. */
  readonly classes?: readonly string[] | undefined;
  readonly progress: Progress;
  readonly state: Values;
  readonly parameters: readonly ParameterSpec[];
  /** Kinds of optimizer slots of each trained weight. */
  readonly slots: readonly string[];
}

/** The tensors and the metadata of a checkpoint's safetensors file: weights, optimizer slots, settings and progress. */
export function checkpointFile<C extends RunConfig>({
  kind,
  config,
  classes,
  progress,
  state,
  parameters,
  slots,
}: CheckpointContent<C>): SafetensorsFile {
  const tensors = new Map<string, NamedTensor>();
  for (const { name, shape, trainable } of parameters)
    for (const key of [name, ...(trainable ? slots.map((slot) => slotName(slot, name)) : [])]) {
      const data = state[key];
      if (data) tensors.set(key, { dtype: 'F32', shape, data: data as Float32Array<ArrayBuffer> });
    }
  return {
    tensors,
    metadata: {
      format: FORMAT,
      formatVersion: VERSION,
      kind: kind.checkpoint,
      ...(classes && { classes: JSON.stringify(classes) }),
      config: JSON.stringify(config),
      progress: JSON.stringify(progress),
    },
  };
}

/** The parts of a checkpoint's bytes in their order: those of the file that `saveCheckpoint` writes. */
export function encodeCheckpoint<C extends RunConfig>(
  content: CheckpointContent<C>,
): readonly ArrayBufferView[] {
  const { tensors, metadata } = checkpointFile(content);
  return encodeSafetensors(tensors, metadata);
}

/**
 * Reads a whole checkpoint of a kind of run, by default of pre-training, from its bytes. Throws FileFormatError for a broken or
 * foreign one. @param name names it in errors
 */
export function decodeCheckpoint<C extends RunConfig = Config>(
  bytes: Uint8Array,
  name: string,
  kind: RunKind<C> = ofPretraining(),
): Checkpoint<C> {
  return checkpointOf(name, decodeSafetensors(bytes, name), kind);
}

/** Decodes a checkpoint's safetensors file. Throws FileFormatError for a foreign one. */
export function checkpointOf<C extends RunConfig = Config>(
  path: string,
  { metadata, tensors }: SafetensorsFile,
  kind: RunKind<C> = ofPretraining(),
): Checkpoint<C> {
  const info = checkpointInfo(path, metadata, kind);
  const state: Record<string, Float32Array> = {};
  for (const [name, { data, dtype }] of tensors) {
    if (dtype !== 'F32') throw new FileFormatError(path, `tensor ${name} must be F32`, dtype);
    state[name] = data as Float32Array;
  }
  const weights = new Map([...tensors].filter(([name]) => !name.includes(':')));
  return { ...info, weights, state };
}

/** The kind where none is named; `C` is then the settings of pre-training. */
const ofPretraining = <C extends RunConfig>() => pretraining as unknown as RunKind<C>;

type Metadata = Readonly<Record<string, string>>;

/** True if a file's metadata is that of a checkpoint of a run. */
export function isCheckpoint(metadata: Metadata): boolean {
  return metadata.format === FORMAT;
}

/** True if a file's metadata is that of a checkpoint of this kind of run. */
export function isCheckpointOf<C extends RunConfig>(kind: RunKind<C>, metadata: Metadata): boolean {
  return isCheckpoint(metadata) && kindOf(metadata) === kind.checkpoint;
}

/** Checkpoints of pre-training that say nothing of their kind are older than the others. */
const kindOf = (metadata: Metadata) => metadata.kind ?? pretraining.checkpoint;

/** Reads the metadata of the checkpoint at `path`. Throws FileFormatError if it is of another kind. */
export function checkpointInfo<C extends RunConfig = Config>(
  path: string,
  metadata: Metadata,
  kind: RunKind<C> = ofPretraining(),
): CheckpointInfo<C> {
  const fail = (rule: string, got: unknown) => new FileFormatError(path, rule, got);
  if (!isCheckpoint(metadata))
    throw fail(
      'a checkpoint of a run says format "beyond-masking" in its metadata',
      metadata.format ?? 'nothing',
    );
  if (metadata.formatVersion !== VERSION)
    throw fail(`the version of the checkpoint's format must be ${VERSION}`, metadata.formatVersion);
  if (!isCheckpointOf(kind, metadata))
    throw fail(`a checkpoint of kind "${kind.checkpoint}" is needed`, kindOf(metadata));
  try {
    const progress = progressSchema.parse(JSON.parse(metadata.progress ?? ''));
    const classes = metadata.classes && z.array(z.string()).parse(JSON.parse(metadata.classes));
    return {
      path,
      config: kind.parse(JSON.parse(metadata.config ?? '')),
      progress,
      ...(classes && { classes }),
    };
  } catch (error) {
    if (error instanceof ConfigError) throw fail("the checkpoint's settings must be valid", error.message);
    throw fail("the checkpoint's metadata must hold settings and progress", (error as Error).message);
  }
}
