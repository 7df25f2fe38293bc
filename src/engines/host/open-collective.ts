import { GraphError } from '../../graph/tensor.ts';
import type { Collective, CollectiveModule } from '../collective.ts';

/**
 * Opens a collective on this thread. Throws GraphError if the module does not load or does not return a collective.
 */
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
