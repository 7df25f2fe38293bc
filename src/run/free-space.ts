import type { StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { Values } from '../graph/index.ts';
import type { RunFolder } from './folder.ts';

/** A checkpoint holds the weights and two slots of the optimizer for each. */
const TENSORS = 3;
/** Of a checkpoint: a new one is written whole before an old one is deleted. */
const ROOM = 2;

/** Free space of a file system, by statfs(2). */
type Free = Pick<StatsFs, 'bavail' | 'bsize'>;

/**
 * A warning where the disk of a run's folder has hardly room for its checkpoints, so that hours of training are not lost at the first
 * one. Undefined if it has, or if the system does not say.
 * @param state weights, with slots of the optimizer or without
 */
export async function scarceSpace(
  { path }: RunFolder,
  state: Values,
  free: (path: string) => Promise<Free> = statfs,
): Promise<string | undefined> {
  const weights = Object.entries(state).filter(([name]) => !name.includes(':')); // `m:name` is a slot
  const bytes = TENSORS * weights.reduce((sum, [, { byteLength }]) => sum + byteLength, 0);
  const found = await free(path).catch(() => undefined);
  if (!found || found.bavail * found.bsize >= ROOM * bytes) return undefined;
  const mega = (value: number) => `${Math.ceil(value / 1e6).toLocaleString('en-US')} MB`;
  return `the disk of ${path} has ${mega(found.bavail * found.bsize)} left, and a checkpoint takes about ${mega(bytes)}: free some space, or choose a folder on another disk with --output`;
}
