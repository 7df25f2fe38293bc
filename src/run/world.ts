import { fstatSync } from 'node:fs';
import { availableParallelism, cpus, hostname } from 'node:os';
import type { EngineSettings } from '../config/engine.ts';
import { checkWorld, launched, type World } from '../engines/mpi/launcher.ts';
import { RunError } from './error.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const WITHOUT_NPX = 'start node_modules/.bin/beyond-masking in place of npx beyond-masking';

/**
 * The ranks that mpirun or srun started, as this process sees them; undefined for a run of one process. Throws RunError
 * if the launcher's variables contradict each other, or if its connection is closed.
 */
export function launchedWorld(environment: Environment = process.env): World | undefined {
  const { PMI_FD: descriptor, PMI_PORT: port, PMI_SIZE: ranks } = environment;
  if (port !== undefined && ranks === undefined)
    throw new RunError(
      `a rank must know the number of ranks, which mpirun -pmi-port does not say: leave -pmi-port out, and ${WITHOUT_NPX}`,
    );
  const world = refused(() => launched(environment));
  if (!world || world.size === 1) return undefined;
  if (descriptor !== undefined && !isSocket(Number(descriptor)))
    throw new RunError(
      `a rank must inherit the connection of its mpirun, which npx closes: ${WITHOUT_NPX}, or use Open MPI's mpirun`,
    );
  const { rank, size, localSize } = world;
  return { rank, size, localSize };
}

/** The ranks that a program names itself; undefined for one. Throws RunError unless the numbers fit together. */
export function givenWorld({
  localSize = 1,
  ...given
}: Omit<World, 'localSize'> & Partial<World>): World | undefined {
  const world = { ...given, localSize };
  refused(() => checkWorld(world));
  return world.size === 1 ? undefined : world;
}

function refused<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof RangeError ? new RunError(error.message) : error;
  }
}

function isSocket(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isSocket(); // a file of this process may have the number of a closed one
  } catch {
    return false;
  }
}

/** True for the one process that writes the run's folder, measures and draws. */
export const isWriter = (world: World | undefined): boolean => (world?.rank ?? 0) === 0;

/** A rank in words: some launchers report the end of a rank by its process only. */
export const aboutRank = ({ rank, size }: World): string =>
  `rank ${rank} of ${size} is process ${process.pid} on ${hostname()}`;

/** Engines whose sessions join ranks. */
const engines: readonly string[] = ['onednn', 'onnx'];

/** Throws RunError unless the engine can train on several ranks. `auto` is checked when it has chosen. */
export function requireRanks(engine: string): void {
  if (engine !== 'auto' && !engines.includes(engine))
    throw new RunError(
      `the engine of ranks must be one of ${engines.join(', ')}, got ${engine}: --engine onednn`,
    );
}

/** Cores of a host. */
export interface Cores {
  /** All of them. */
  readonly host: number;
  /** Number on which this process may run. */
  readonly available: number;
}

const coresHere = (): Cores => ({ host: cpus().length, available: availableParallelism() });

/**
 * Threads of a rank's engine: the cores to which the launcher has bound it, else its share of the visible cores.
 */
export function threadsOf(
  { localSize }: World,
  { host, available }: Cores = coresHere(),
  { SLURM_CPUS_PER_TASK: ordered }: Environment = process.env,
): number {
  if (Number(ordered) >= 1) return Math.min(Number(ordered), available);
  const isBound = available * localSize <= host;
  return isBound ? available : Math.max(1, Math.floor(available / localSize));
}

/**
 * The engine's settings on a rank: threads that leave cores to the other ranks of the host, unless their number is
 * given. Throws RunError for an engine that cannot train on several ranks.
 */
export function engineOfRank(settings: EngineSettings, world: World, cores?: Cores): EngineSettings {
  requireRanks(settings.name);
  return 'threads' in settings && settings.threads === 0
    ? { ...settings, threads: threadsOf(world, cores) }
    : settings;
}
