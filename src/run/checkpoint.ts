import type { Config } from '../config/schema.ts';
import { readHeader, readSafetensors, writeSafetensors } from '../io/safetensors.ts';
import {
  type Checkpoint,
  type CheckpointContent,
  type CheckpointInfo,
  checkpointFile,
  checkpointInfo,
  checkpointOf,
} from './checkpoint-codec.ts';
import type { RunConfig, RunKind } from './kind.ts';

export {
  type Checkpoint,
  type CheckpointInfo,
  checkpointInfo,
  isCheckpoint,
  isCheckpointOf,
  type Progress,
} from './checkpoint-codec.ts';

/**
 * Writes a checkpoint: weights, optimizer slots, settings and progress in one safetensors file, replaced in one
 * step. The same run gives the same bytes. Throws the system's error.
 */
export async function saveCheckpoint<C extends RunConfig>(
  path: string,
  content: CheckpointContent<C>,
): Promise<void> {
  const { tensors, metadata } = checkpointFile(content);
  await writeSafetensors(path, tensors, metadata);
}

/**
 * Reads what a checkpoint of a kind of run, by default of pre-training, says about itself. Throws FileFormatError for another kind of file, or the
 * system's error.
 */
export async function readCheckpointInfo<C extends RunConfig = Config>(
  path: string,
  kind?: RunKind<C>,
): Promise<CheckpointInfo<C>> {
  return checkpointInfo(path, (await readHeader(path)).metadata, kind);
}

/**
 * Reads a whole checkpoint of a kind of run, by default of pre-training. Throws FileFormatError for a broken or foreign
 * file, or the system's error.
 */
export async function readCheckpoint<C extends RunConfig = Config>(
  path: string,
  kind?: RunKind<C>,
): Promise<Checkpoint<C>> {
  return checkpointOf(path, await readSafetensors(path), kind);
}
