/** Time that a kind of call took in one run of a program. */
export interface Timing {
  /** What was computed, and of which sides. */
  readonly name: string;
  readonly calls: number;
  /** Time of one run for all of these calls. */
  readonly milliseconds: number;
  /** Multiplications and additions of one run; 0 for what is neither a product nor a convolution. */
  readonly flops: number;
}

/** A session that tells where its time goes. */
export interface TimedSession {
  /** Begins to measure the calls of every program; asked again, their least times so far. */
  profile(): Promise<readonly Timing[]>;
}

export const isTimed = (session: object): session is TimedSession => 'profile' in session;

/** Calls of one name taken together. */
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
