import { RunError } from './error.ts';

/** The process of another rank has ended before the run. This one's engine waits for it for ever. */
export class LostRank extends RunError {
  /** True if another rank reports it, so that one line says it. */
  readonly isReported: boolean;

  constructor(message: string, isReported: boolean) {
    super(message);
    this.isReported = isReported;
  }
}

/** The loss of a rank that an error is about; undefined if it is another one. */
export function lostRank(error: unknown): LostRank | undefined {
  return error instanceof Error ? (error instanceof LostRank ? error : lostRank(error.cause)) : undefined;
}
