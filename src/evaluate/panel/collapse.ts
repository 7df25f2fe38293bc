import type { PanelScores } from '../../run/events.ts';

/** Measures of features that have collapsed. */
const ALIKE = 0.9999;
const RANK = 1.5;

/**
 * A warning that features have collapsed: all images have nearly the same one. Undefined if they have not. Random weights are no
 * collapse, though their features are much alike.
 */
export function collapseWarning({ meanCosine, rankMe }: PanelScores): string | undefined {
  if (meanCosine < ALIKE || rankMe > RANK) return undefined;
  return (
    `the features have collapsed: those of any two images must differ (mean cosine below ${ALIKE}, RankMe above ${RANK}), ` +
    `got ${meanCosine.toFixed(5)} and ${rankMe.toFixed(2)}. Continue from an earlier checkpoint with a lower training.learningRate, ` +
    'a longer training.warmupEpochs or training.clip=1; look first whether the images differ (preview)'
  );
}
