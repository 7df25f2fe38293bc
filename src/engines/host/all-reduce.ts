import { GraphError } from '../../graph/tensor.ts';
import type { Collective, FloatArray } from '../collective.ts';

/**
 * Sums over all ranks, in place. Throws on every rank unless all had equally many micro-batches, for each of them weighs the
 * same in a mean.
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
  // Equal numbers, and only these, have squares whose mean is the square of the mean.
  if (squares * collective.size !== total ** 2)
    throw new GraphError(
      `ranks must give a step equally many micro-batches, got ${count} on rank ${collective.rank} of ${collective.size} and ${total} in all`,
    );
  names.forEach((name, i) => {
    metrics[name] = rest[i]!;
  });
}
