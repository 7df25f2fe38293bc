import type { Loader } from '../data/load/loader.ts';
import type { Program } from '../graph/index.ts';
import type { Evaluator, Score } from './evaluator.ts';

/**
 * Evaluates a classifier on labelled images. Yields `top1`, with more than five classes `top5`, and `evaluationLoss`, the mean
 * cross-entropy. Padding and unreadable images do not count.
 * @param predict view → `logits` [B, classes], with the batch size of the views
 * @param views one pass over the images
 * @param images number of images in a pass
 * @param named maps the scores to the names under which they are yielded
 */
export function accuracy(
  predict: Program,
  views: () => Loader,
  images: number,
  named: (score: 'top1' | 'top5' | 'evaluationLoss') => string = (score) => score,
): Evaluator {
  return {
    name: 'accuracy',
    async *run(session, { signal, onProgress } = {}): AsyncGenerator<Score> {
      const sums = { top1: 0, top5: 0, evaluationLoss: 0 };
      let count = 0;
      let known: readonly (keyof typeof sums)[] = [];
      for await (const { view, labels, weights } of views()) {
        signal?.throwIfAborted();
        const { logits } = await session.run(predict, { view });
        const classes = logits!.length / weights.length;
        known = hasTop5(classes) ? ['top1', 'top5', 'evaluationLoss'] : ['top1', 'evaluationLoss'];
        for (const [i, weight] of weights.entries()) {
          if (weight === 0) continue;
          const row = logits!.subarray(i * classes, (i + 1) * classes) as Float32Array;
          const { rank, loss } = rankAndLoss(row, labels![i]!);
          count++;
          if (rank < 1) sums.top1++;
          if (rank < 5) sums.top5++;
          sums.evaluationLoss += loss;
        }
        onProgress?.(count, images);
      }
      for (const score of known) yield [named(score), sums[score] / count];
    },
  };
}

/** True if top-5 is meaningful: with five classes or fewer it is always 100 %. */
export const hasTop5 = (classes: number) => classes > 5;

/** The rank of the image's class (0: the likeliest; the lower class wins a tie), and its cross-entropy. */
export function rankAndLoss(logits: Float32Array, label: number): { rank: number; loss: number } {
  const own = logits[label]!;
  let rank = 0;
  let largest = Number.NEGATIVE_INFINITY;
  for (const [k, x] of logits.entries()) {
    if (k !== label && !(x < own) && (x !== own || k < label)) rank++; // NaN counts as likelier
    largest = Math.max(largest, x);
  }
  let sum = 0;
  for (const x of logits) sum += Math.exp(x - largest);
  return { rank, loss: Math.log(sum) + largest - own };
}
