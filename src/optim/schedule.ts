export interface Schedule {
  /** Largest learning rate, at the end of the warm-up. */
  readonly peak: number;
  readonly warmupSteps: number;
  readonly totalSteps: number;
  /** Learning rate at the end. */
  readonly floor: number;
  /**
   * How the rate falls after the warm-up: half a cosine (arXiv 1608.03983), a straight line, or to a tenth after 8/9 of all steps and again
   * after 26/27, as in ViTDet (arXiv 2203.16527). Default: cosine.
   */
  readonly shape?: 'cosine' | 'linear' | 'steps' | undefined;
}

/**
 * Learning rate of a step, counted from 0: linear warm-up from 0 to the peak (the first step's rate is 0), then half
 * a cosine, a line or steps down to the floor, then constant.
 */
export function learningRate(
  step: number,
  { peak, warmupSteps, totalSteps, floor, shape }: Schedule,
): number {
  if (step < warmupSteps) return (peak * step) / warmupSteps;
  if (shape === 'steps') {
    const falls = [8 / 9, 26 / 27].filter((share) => step >= Math.round(share * totalSteps)).length;
    return Math.max(floor, peak * 0.1 ** falls);
  }
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  if (shape === 'linear') return floor + (peak - floor) * (1 - progress);
  return floor + (peak - floor) * 0.5 * (1 + Math.cos(Math.PI * progress));
}

/** Linear scaling rule: base × batch / 256 (arXiv 1706.02677). @param effectiveBatch images per update */
export function scaledPeak(base: number, effectiveBatch: number): number {
  return (base * effectiveBatch) / 256;
}
