import { elementCount } from '../io/dtypes.ts';
import { readHeader } from '../io/safetensors.ts';
import type { TensorInfo } from '../io/safetensors-header.ts';
import { type CheckpointInfo, checkpointInfo, isCheckpoint } from './checkpoint.ts';

/** What a tensor of a checkpoint belongs to. */
export type Part = 'encoder' | 'decoder' | 'optimizer';

export interface PartSummary {
  readonly part: Part;
  readonly tensors: number;
  readonly values: number;
  readonly bytes: number;
}

export interface Inspection {
  /** Settings and progress; absent for a file that no run of this project wrote. */
  readonly run?: CheckpointInfo;
  readonly parts: readonly PartSummary[];
  readonly tensors: ReadonlyMap<string, TensorInfo>;
}

/** The part of a tensor, by its name. */
export function partOf(name: string): Part {
  if (name.includes(':')) return 'optimizer';
  return name.startsWith('decoder') || name === 'mask_token' ? 'decoder' : 'encoder';
}

/** Says what a safetensors file holds without reading its data. Throws FileFormatError, or the system's error. */
export async function inspectCheckpoint(path: string): Promise<Inspection> {
  const { metadata, tensors } = await readHeader(path);
  const parts = (['encoder', 'decoder', 'optimizer'] as const)
    .map((part) =>
      summarise(
        part,
        [...tensors].filter(([name]) => partOf(name) === part),
      ),
    )
    .filter(({ tensors }) => tensors > 0);
  return { ...(isCheckpoint(metadata) && { run: checkpointInfo(path, metadata) }), parts, tensors };
}

function summarise(part: Part, tensors: readonly (readonly [string, TensorInfo])[]): PartSummary {
  const total = (measure: (info: TensorInfo) => number) =>
    tensors.reduce((sum, [, info]) => sum + measure(info), 0);
  return {
    part,
    tensors: tensors.length,
    values: total(({ shape }) => elementCount(shape)),
    bytes: total(({ bytes }) => bytes),
  };
}
