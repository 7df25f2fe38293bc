import type { Loader } from '../data/load/loader.ts';
import type { Program } from '../graph/index.ts';
import type { Evaluator, Score } from './evaluator.ts';

/**
 * Judges a classifier on labelled images: yields `top1` and, of more than five classes, `top5`, the shares of images whose class is
 * the likeliest, or among the five likeliest, and `evaluationLoss`, the mean cross-entropy. Padding and images that cannot be read are
 * left out.
 * @param predict view → `logits` [B, classes], on as many images as a batch of the views has
 * @param views one pass over the images
 * @param images that a pass has
 * @param named the names under which the numbers are yielded
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
        known = tellsTop5(classes) ? ['top1', 'top5', 'evaluationLoss'] : ['top1', 'evaluationLoss'];
        for (const [i, weight] of weights.entries()) {
          if (weight === 0) continue;
          const row = logits!.subarray(i * classes, (i + 1) * classes) as Float32Array;
          const { rank, loss } = judge(row, labels![i]!);
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

/** Whether top-5 says anything: of five classes or fewer it is always 100 %. */
export const tellsTop5 = (classes: number) => classes > 5;

/** How many classes are likelier than the image's own (at a tie the lower one is), and −log of its probability. */
export function judge(logits: Float32Array, label: number): { rank: number; loss: number } {
  const own = logits[label]!;
  let rank = 0;
  let largest = Number.NEGATIVE_INFINITY;
  for (const [k, x] of logits.entries()) {
    if (k !== label && !(x < own) && (x !== own || k < label)) rank++; // what is no number counts against the image
    largest = Math.max(largest, x);
  }
  let sum = 0;
  for (const x of logits) sum += Math.exp(x - largest);
  return { rank, loss: Math.log(sum) + largest - own };
}
