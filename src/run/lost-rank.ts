import { RunError } from './error.ts';

/** The process of another rank has ended before the run, which the user has been shown. This one's engine may wait for ever. */
export class LostRank extends RunError {}

/** True if an error is about the loss of a rank. */
export function isLostRank(error: unknown): boolean {
  return error instanceof Error && (error instanceof LostRank || isLostRank(error.cause));
}

/** Watches the processes of the other ranks. */
export interface RanksWatch {
  /** Rejects with LostRank when another rank's process ends before the run. */
  readonly lost: Promise<never>;
  /** Reports that this rank has waited for others for long, so that the one that does not is named. */
  waits(): void;
  /** Ends the watch of this process. @param failed true: it ends with an error, which it reports itself */
  close(failed: boolean): void;
}
