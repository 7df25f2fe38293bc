import { GraphError } from '../../graph/tensor.ts';
import { loadExport } from '../../modules/load-export.ts';
import { PartError } from '../../modules/module-export.ts';
import type { Collective, CollectiveModule } from '../collective.ts';

/**
 * Opens a collective on this thread. Throws GraphError if the module does not load or does not return a collective.
 */
export async function openCollective(place: CollectiveModule): Promise<Collective> {
  const { module, options } = place;
  const open = await loadExport<(options: unknown) => Collective | Promise<Collective>>(
    place,
    "a collective's module",
  ).catch((error) => {
    throw error instanceof PartError ? new GraphError(error.message) : error;
  });
  const collective: Collective = await open(options);
  const { rank, size } = collective ?? {};
  if (!Number.isSafeInteger(rank) || !Number.isSafeInteger(size) || rank < 0 || rank >= size)
    throw new GraphError(`a collective's rank must lie in [0, size), got rank ${rank} and size ${size}`);
  for (const method of ['allReduce', 'broadcast'] as const)
    if (typeof collective[method] !== 'function')
      throw new GraphError(
        `a collective must have a method ${method}, got ${typeof collective[method]} from ${module}`,
      );
  return collective;
}
