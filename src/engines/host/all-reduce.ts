import { GraphError } from '../../graph/tensor.ts';
import type { Collective, FloatArray } from '../collective.ts';
import type { StepResult } from '../engine.ts';

/** Quantities of a step that ranks sum. */
export interface StepSums {
  /** Gradients and state outputs, flat. */
  readonly sums: readonly FloatArray[];
  /** Scalars by name, the same names on all ranks. */
  readonly metrics: Record<string, number>;
  /** Number of micro-batches. */
  readonly count: number;
  /** Numbers of the caller's own. */
  readonly numbers: readonly number[];
  /** Time of this rank so far. */
  readonly milliseconds: number;
}

/**
 * Sums over all ranks, in place: first all scalars together, then the arrays. Returns the sums of `numbers` and the
 * times of all ranks. Throws GraphError on every rank unless all ranks had the same number of micro-batches, because
 * each micro-batch has the same weight in the mean.
 */
export async function allReduce(
  collective: Collective,
  { sums, metrics, count, numbers, milliseconds }: StepSums,
): Promise<Required<Pick<StepResult, 'numbers' | 'milliseconds'>>> {
  const names = Object.keys(metrics);
  const times = Array.from({ length: collective.size }, (_, i) => (i === collective.rank ? milliseconds : 0));
  const scalars = [count, count ** 2, ...names.map((name) => metrics[name]!), ...numbers, ...times];
  const [total, squares, ...rest] = (await sumNumbers(collective, scalars)) as [number, number, ...number[]];
  if (!areEqual([total, squares], collective.size))
    throw new GraphError(
      `ranks must have the same number of micro-batches in a step, got ${count} on rank ${collective.rank} of ${collective.size}: ${total} over all ranks`,
    );
  names.forEach((name, i) => {
    metrics[name] = rest[i]!;
  });
  await collective.allReduce(sums);
  const own = names.length + numbers.length;
  return { numbers: rest.slice(names.length, own), milliseconds: rest.slice(own) };
}

/** The sums of numbers over all ranks. */
export async function sumNumbers(
  collective: Collective | undefined,
  numbers: readonly number[],
): Promise<number[]> {
  const sums = Float64Array.from(numbers);
  await collective?.allReduce([sums]);
  return [...sums];
}

/**
 * Replaces the arrays by those of rank 0, in the order of their names. Throws GraphError on every rank unless all ranks
 * have the same names and lengths.
 */
export async function broadcastState(
  collective: Collective,
  state: Iterable<readonly [name: string, data: ArrayBufferView]>,
): Promise<void> {
  const { rank, size } = collective;
  const arrays = [...state].sort(([a], [b]) => (a < b ? -1 : 1));
  const own = hash(arrays.map(([name, { byteLength }]) => `${name} ${byteLength}`).join('\n'));
  if (!areEqual(await sumNumbers(collective, [own, own ** 2]), size))
    throw new GraphError(
      `ranks must train the same model, got another one on rank ${rank} of ${size} than on others: start all ranks with the same settings`,
    );
  for (const [, { buffer, byteOffset, byteLength }] of arrays)
    await collective.broadcast(new Uint8Array(buffer, byteOffset, byteLength));
}

/** True if all ranks had the same number: only equal numbers have squares whose mean is the square of their mean. */
function areEqual([sum, squares]: readonly number[], size: number): boolean {
  return squares! * size === sum! ** 2;
}

/** FNV-1a, 20 bits: sums over thousands of ranks are exact, and of squares too. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 12;
}
