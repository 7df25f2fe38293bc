import { RunError } from './error.ts';

/** The process of another rank has ended before the run, which the user has been shown. This one's engine may wait for ever. */
export class LostRank extends RunError {}

/** True if an error is about the loss of a rank. */
export function isLostRank(error: unknown): boolean {
  return error instanceof Error && (error instanceof LostRank || isLostRank(error.cause));
}
