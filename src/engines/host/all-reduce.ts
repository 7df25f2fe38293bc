import { GraphError } from '../../graph/tensor.ts';
import type { Collective, FloatArray } from '../collective.ts';

/** What the ranks sum in a step. */
export interface StepSums {
  /** Gradients and state outputs, flat. */
  readonly sums: readonly FloatArray[];
  /** Scalars by name, the same names on all ranks. */
  readonly metrics: Record<string, number>;
  /** Number of micro-batches. */
  readonly count: number;
  /** Numbers of the caller's own. */
  readonly numbers: readonly number[];
}

/**
 * Sums over all ranks, in place: first all scalars together, then the arrays. Returns the sums of `numbers`. Throws
 * GraphError on every rank unless all ranks had the same number of micro-batches, because each micro-batch has the same
 * weight in the mean.
 */
export async function allReduce(
  collective: Collective,
  { sums, metrics, count, numbers }: StepSums,
): Promise<number[]> {
  const names = Object.keys(metrics);
  const scalars = [count, count ** 2, ...names.map((name) => metrics[name]!), ...numbers];
  const [total, squares, ...rest] = (await sumNumbers(collective, scalars)) as [number, number, ...number[]];
  // Only equal numbers have squares whose mean is the square of their mean.
  if (squares * collective.size !== total ** 2)
    throw new GraphError(
      `ranks must have the same number of micro-batches in a step, got ${count} on rank ${collective.rank} of ${collective.size}: ${total} over all ranks`,
    );
  names.forEach((name, i) => {
    metrics[name] = rest[i]!;
  });
  await collective.allReduce(sums);
  return rest.slice(names.length);
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

/** Replaces the arrays by those of rank 0, in the order of their names. */
export async function broadcastState(
  collective: Collective,
  state: Iterable<readonly [name: string, data: ArrayBufferView]>,
): Promise<void> {
  for (const [, { buffer, byteOffset, byteLength }] of [...state].sort(([a], [b]) => (a < b ? -1 : 1)))
    await collective.broadcast(new Uint8Array(buffer, byteOffset, byteLength));
}
