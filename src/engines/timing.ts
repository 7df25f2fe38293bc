/** Time of a kind of call in one run of a program. */
export interface Timing {
  /** Operation and shapes. */
  readonly name: string;
  readonly calls: number;
  /** Total time of these calls in one run. */
  readonly milliseconds: number;
  /** Multiplications and additions in one run; 0 unless it is a product or a convolution. */
  readonly flops: number;
}

/** A session that can measure where its time goes. */
export interface TimedSession {
  /** Starts to measure the calls of every program. Later calls return their least times so far. */
  profile(): Promise<readonly Timing[]>;
}

export const isTimed = (session: object): session is TimedSession => 'profile' in session;

/** Merges the timings of the same name. */
export function together(timings: readonly Timing[]): Timing[] {
  const found = new Map<string, Timing>();
  for (const timing of timings) {
    const known = found.get(timing.name);
    found.set(
      timing.name,
      known
        ? {
            name: timing.name,
            calls: known.calls + timing.calls,
            milliseconds: known.milliseconds + timing.milliseconds,
            flops: known.flops + timing.flops,
          }
        : timing,
    );
  }
  return [...found.values()];
}
