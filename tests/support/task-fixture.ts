import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Values } from '../../src/graph/index.ts';
import { type NamedTensor, toFloat32 } from '../../src/io/dtypes.ts';
import { readSafetensors } from '../../src/io/safetensors.ts';
import type { AutoencoderConfig } from '../../src/models/config.ts';
import type { TaskEvaluationOptions } from '../../src/programs/evaluate-task.ts';
import { drawName } from '../../src/tasks/draws.ts';
import { task } from '../../src/tasks/table.ts';

const folder = fileURLToPath(new URL('../fixtures/', import.meta.url));

/** Keys of the fixtures of tests/oracle: `masked`, `zoomed-in`, … */
export const taskFixtures: readonly string[] = readdirSync(folder)
  .flatMap((file) => /^task-(.*)\.safetensors$/.exec(file)?.[1] ?? [])
  .sort();

/** A task with fixed weights, views and draws, and the oracle's results. */
export interface TaskFixture {
  readonly options: Omit<TaskEvaluationOptions, 'engine'>;
  readonly loss: number;
  readonly parts: Record<string, number>;
  readonly degraded: Float32Array;
  readonly prediction: Float32Array;
  readonly gradients: Record<string, Float32Array>;
}

/** Reads `task-<key>.safetensors`. */
export async function readTaskFixture(key: string): Promise<TaskFixture> {
  const { tensors, metadata } = await readSafetensors(`${folder}task-${key}.safetensors`);
  const { maskRatio, mean, std, task: name, colour, ...model } = JSON.parse(metadata.config!);
  const float = (tensor: string) => toFloat32(tensors.get(tensor)!);
  return {
    options: {
      model: model as AutoencoderConfig,
      task: task(colour === 'saturation' ? `${name}-hsv` : name),
      maskRatio,
      mean,
      std,
      weights: section(tensors, 'param.'),
      view: float('view'),
      draws: Object.fromEntries(
        Object.entries(section(tensors, 'draw.')).map(([name, data]) => [drawName(name), data]),
      ),
    },
    loss: Number(metadata.loss),
    parts: JSON.parse(metadata.parts!),
    degraded: float('degraded'),
    prediction: float('prediction'),
    gradients: section(tensors, 'grad.') as Record<string, Float32Array>,
  };
}

/** The tensors whose names start with a prefix, by the rest of their names. */
export function section(tensors: ReadonlyMap<string, NamedTensor>, prefix: string): Values {
  const found = [...tensors].filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(
    found.map(([name, { data }]) => [name.slice(prefix.length), data as Float32Array | Int32Array]),
  );
}

/** Largest difference relative to the largest magnitude of `expected`. */
export function relativeError(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (got.length !== expected.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let magnitude = 0;
  for (let i = 0; i < expected.length; i++) {
    const d = Math.abs(got[i]! - expected[i]!);
    if (!(d <= difference)) difference = d; // true for NaN
    magnitude = Math.max(magnitude, Math.abs(expected[i]!));
  }
  return magnitude === 0 ? difference : difference / magnitude;
}
