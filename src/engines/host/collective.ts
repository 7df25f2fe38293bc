import { GraphError } from '../../graph/tensor.ts';
import type { Collective, CollectiveModule, FloatArray } from '../collective.ts';

/** Opens a collective on this thread. Throws a `GraphError` where the module does not give one. */
export async function openCollective(place: CollectiveModule): Promise<Collective> {
  const { module, export: name = 'default', options } = place;
  const open = await exportOf(module, name);
  if (typeof open !== 'function')
    throw new GraphError(
      `a collective's module must export a function "${name}", got ${typeof open} in ${module}`,
    );
  const collective: Collective = await open(options);
  const { rank, size, allReduce } = collective ?? {};
  if (!Number.isSafeInteger(rank) || !Number.isSafeInteger(size) || rank < 0 || rank >= size)
    throw new GraphError(`a collective's rank must lie in [0, size), got rank ${rank} and size ${size}`);
  if (typeof allReduce !== 'function')
    throw new GraphError(`a collective must have a method allReduce, got ${typeof allReduce} from ${module}`);
  return collective;
}

async function exportOf(module: string, name: string): Promise<unknown> {
  if (!URL.canParse(module))
    throw new GraphError(
      `a collective's module must be given as a URL, got "${module}"; import.meta.resolve("${module}") gives it`,
    );
  try {
    return (await import(module))[name];
  } catch (error) {
    throw new GraphError(
      `a collective's module must load, got "${error instanceof Error ? error.message : error}"`,
    );
  }
}

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
