import { workerScript } from '../../io/worker-script.ts';
import type { CollectiveModule } from '../collective.ts';
import type { MpiOptions } from './collective.ts';

/** The collective over MPI, for `SessionOptions.collective` on each rank. */
export function mpiCollective({ rank, size }: MpiOptions): CollectiveModule {
  return { module: workerScript(import.meta.url, 'collective').href, options: { rank, size } };
}
