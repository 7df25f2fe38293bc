import { fewImages, scoreText } from '../../evaluate/interval.ts';
import type { KnnScores, ProbeScores } from '../../run/events.ts';
import { plural } from '../../text/plural.ts';
import { table } from './table.ts';

/**
 * Table of the last scores of a run beside those of raw pixels and of random weights, with an explanation.
 * @param before the report of the run's start, which has those two
 */
export function learned(last: KnnScores, before: KnnScores | undefined): string {
  const { k = 20, train, test, leaveOneOut } = last;
  const both = (key: keyof ProbeScores) => {
    const from = key === 'features' ? last : before;
    return [from?.[key], from?.linear?.[key]] as const;
  };
  const rows = [
    ['raw pixels', ...both('pixels')],
    ['features of random weights', ...both('random')],
    ['features after pre-training', ...both('features')],
  ] as const;
  const measured = rows.filter(([, ...scores]) => scores.some((score) => score !== undefined));
  const cell = (score: number | undefined) => (score === undefined ? '–' : scoreText(score, test));
  const columns = last.linear ? 2 : 1;
  const lines = [
    table([
      ['top-1', 'kNN', 'linear'].slice(0, 1 + columns),
      ...measured.map(([name, ...scores]) => [name, ...scores.slice(0, columns).map(cell)]),
    ]),
    '',
    `kNN: an image gets the class of the ${k} most similar of ${plural(train, 'image')} with classes (cosine, temperature 0.07).`,
  ];
  if (last.linear)
    lines.push('linear: a linear classifier is trained on these images, and the encoder is not.');
  const judged = leaveOneOut
    ? `each of ${plural(test, 'image')} is judged by all others`
    : `judged on ${plural(test, 'other image')}`;
  const chance = 2 * Math.sqrt(0.5 / test); // two standard errors of a difference, of accuracies near a half
  lines.push(
    `${judged}: a difference below ${points(chance)} points may be chance. Training used no class.`,
    ...[fewImages(test)].filter((line) => line !== undefined),
  );
  const kinds = [
    ['kNN', last, before],
    ['linear', last.linear, before?.linear],
  ] as const;
  for (const [kind, features, start] of kinds)
    if (features && start?.random !== undefined && start.pixels !== undefined)
      lines.push(
        `${kind}: ${beside(features.features, start.pixels)} raw pixels, ${beside(features.features, start.random)} random weights. ` +
          meaning(features.features, start.pixels, start.random, chance),
      );
  return lines.join('\n');
}

function beside(score: number, other: number): string {
  const difference = score - other;
  return `${points(Math.abs(difference))} points ${difference < 0 ? 'below' : 'above'}`;
}

function meaning(score: number, pixels: number, random: number, chance: number): string {
  if (score - random < chance) return 'Nothing that was learned shows here.';
  if (score - pixels < chance) return 'Something was learned; to beat raw pixels at this takes a longer run.';
  return 'Something was learned that neither the pixels nor an untrained encoder give.';
}

const points = (share: number) => (100 * share).toFixed(1);
