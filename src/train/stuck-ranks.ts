/** Least and usual limit of a step: seconds, and a multiple of the median of earlier ones. */
const LEAST = 60;
const MULTIPLE = 10;
/** Number of steps whose median counts. */
const STEPS = 21;

/**
 * Notes when a step of ranks takes far longer than earlier ones. A rank that is stopped, or whose host hangs, writes no
 * note itself: it is the one without.
 */
export class StuckRanks {
  readonly #note: (message: string) => void;
  readonly #least: number;
  readonly #seconds: number[] = [];

  /** @param least the least limit, in seconds */
  constructor(note: (message: string) => void, least = LEAST) {
    this.#note = note;
    this.#least = least;
  }

  /** Waits for a step's result. @param step number of the step, from 1 */
  async watch<T>(step: number, result: Promise<T>): Promise<T> {
    const median = [...this.#seconds].sort((a, b) => a - b)[this.#seconds.length >> 1] ?? 0;
    const limit = Math.max(this.#least, MULTIPLE * median);
    const timer = setTimeout(() => {
      const usual = median > 0 ? `, usually ${round(median)} s` : '';
      this.#note(
        `step ${step} has waited ${round(limit)} s for other ranks${usual}: a rank or its host is stuck, such as one that does not note this`,
      );
    }, 1000 * limit);
    const from = performance.now();
    try {
      return await result;
    } finally {
      clearTimeout(timer);
      this.#seconds.push((performance.now() - from) / 1000);
      if (this.#seconds.length > STEPS) this.#seconds.shift();
    }
  }
}

const round = (seconds: number) => Number(seconds.toPrecision(2));
