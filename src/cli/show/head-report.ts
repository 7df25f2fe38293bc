import { testSetOf } from '../../data/sources/open.ts';
import { plural } from '../../text/plural.ts';
import { percent, table } from './table.ts';

/** Settings of a run that trains a head on an encoder. */
interface HeadConfig {
  readonly recipe: string;
  readonly from: string;
  readonly training: { readonly epochs: number; readonly batchSize: number };
}

/** The first rows of a report: the recipe with its length, and the weights with which the run starts. */
export const originRows = ({ recipe, from, training: { epochs, batchSize } }: HeadConfig) =>
  [
    ['recipe', `${recipe === 'custom' ? 'none' : recipe}: ${plural(epochs, 'epoch')}, batch ${batchSize}`],
    ['from', from || 'scratch'],
  ] as const;

/** Sizes of an encoder and its number of weights. */
export function encoderText(
  model: {
    readonly width: number;
    readonly depth: number;
    readonly image: readonly number[];
    readonly patch: number;
  },
  weights: number,
): string {
  const { width, depth, image, patch } = model;
  return `${width} wide, ${depth} deep, ${image.join('×')} pixels in patches of ${patch}: ${plural(weights, 'weight')}`;
}

/** The source of the images that a run is judged by. */
export const judgedSource = ({ source, test }: { readonly source: string; readonly test: string }): string =>
  test || (testSetOf(source) ?? source);

/** Classes in a table of scores at most. */
const CLASSES = 20;

/** A table of the scores of classes, the worst first. */
export function classTable(scores: Readonly<Record<string, number>>, title: string): string {
  const classes = Object.entries(scores).sort((a, b) => a[1] - b[1]);
  const rows = classes.slice(0, CLASSES).map(([name, value]) => [name, percent(value)]);
  const more = classes.length > CLASSES ? `\nand ${plural(classes.length - CLASSES, 'better one')}` : '';
  return `${table([['class', title], ...rows])}${more}`;
}
