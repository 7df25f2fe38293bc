import { GraphError } from '../../graph/tensor.ts';
import type { Collective, FloatArray } from '../collective.ts';

/**
 * Sums over all ranks, in place. Throws GraphError on every rank unless all ranks had the same number of
 * micro-batches, because each micro-batch has the same weight in the mean.
 * @param metrics scalars by name, the same names on all ranks
 */
export async function allReduce(
  collective: Collective,
  sums: readonly FloatArray[],
  metrics: Record<string, number>,
  count: number,
): Promise<void> {
  const names = Object.keys(metrics);
  const scalars = Float64Array.of(count, count ** 2, ...names.map((name) => metrics[name]!));
  await collective.allReduce([...sums, scalars]);
  const [total, squares, ...rest] = scalars as unknown as [number, number, ...number[]];
  // Only equal numbers have squares whose mean is the square of their mean.
  if (squares * collective.size !== total ** 2)
    throw new GraphError(
      `ranks must have the same number of micro-batches in a step, got ${count} on rank ${collective.rank} of ${collective.size}: ${total} over all ranks`,
    );
  names.forEach((name, i) => {
    metrics[name] = rest[i]!;
  });
}
