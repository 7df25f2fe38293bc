import type { Session, StepResult, StepTime } from '../engines/engine.ts';

/** Requests to stop a training, by the signal of this process or of any rank. */
export interface Stopping {
  /** True: no further update begins. */
  readonly stops: boolean;
  /** Reports this process's signal to the other ranks in a step. */
  readonly report: Pick<StepTime, 'numbers'>;
  /** Takes the other ranks' reports from the step's result. */
  take(result: StepResult): void;
  /** Exchanges reports between two steps, where rank 0 may have measured for a while. All ranks call it. */
  agree(): Promise<void>;
}

/** By a signal alone, which takes effect at once. */
export const stoppingBy = (signal: AbortSignal | undefined): Stopping => ({
  get stops() {
    return signal?.aborted ?? false;
  },
  report: {},
  take() {},
  async agree() {},
});

/** By the signals of all ranks, which stop after the same update: the next one that all of them make. */
export function stoppingTogether(signal: AbortSignal | undefined, session: Session): Stopping {
  let stops = false;
  const report = () => [signal?.aborted ? 1 : 0];
  const take = ([asked = 0]: readonly number[] = []) => {
    stops ||= asked > 0;
  };
  return {
    get stops() {
      return stops;
    },
    get report() {
      return { numbers: report() };
    },
    take: ({ numbers }) => take(numbers),
    agree: async () => take(await session.sum!(report())),
  };
}
