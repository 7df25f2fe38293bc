/** Steps in a row, and the time in them as a multiple of the median rank's. */
const STEPS = 20;
const MULTIPLE = 1.5;

/** Notes once for each rank that computes slower than the others, for which they wait in every step. */
export class SlowRanks {
  readonly #note: (message: string) => void;
  /** Number of steps in a row in which a rank was slow. */
  readonly #slow = new Map<number, number>();

  constructor(note: (message: string) => void) {
    this.#note = note;
  }

  /** @param milliseconds time of each rank for its gradients */
  take(milliseconds: readonly number[]): void {
    // Of two ranks the faster one.
    const median = [...milliseconds].sort((a, b) => a - b)[(milliseconds.length - 1) >> 1]!;
    for (const [rank, time] of milliseconds.entries()) {
      const before = this.#slow.get(rank) ?? 0;
      if (before === STEPS) continue;
      const steps = time > MULTIPLE * median ? before + 1 : 0;
      this.#slow.set(rank, steps);
      if (steps === STEPS)
        this.#note(
          `rank ${rank} of ${milliseconds.length} is slow: for ${STEPS} steps it computed ${MULTIPLE} times as long as the others or longer, last ${Math.round(time)} ms for ${Math.round(median)} ms`,
        );
    }
  }
}
