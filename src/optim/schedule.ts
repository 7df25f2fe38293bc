export interface Schedule {
  /** Largest learning rate, reached after the warm-up. */
  readonly peak: number;
  readonly warmupSteps: number;
  readonly totalSteps: number;
  /** Learning rate at the end. */
  readonly floor: number;
}

/**
 * Learning rate of a step, counted from 0: a line from 0 up to the peak (so the first step's rate is 0), then half
 * a cosine down to the floor (arXiv 1608.03983), where it stays.
 */
export function learningRate(step: number, { peak, warmupSteps, totalSteps, floor }: Schedule): number {
  if (step < warmupSteps) return (peak * step) / warmupSteps;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  return floor + (peak - floor) * 0.5 * (1 + Math.cos(Math.PI * progress));
}

/** base × batch / 256, for the images of one update (arXiv 1706.02677). */
export function scaledPeak(base: number, effectiveBatch: number): number {
  return (base * effectiveBatch) / 256;
}
