import type { ConfigInput } from '../schema.ts';

/** A variant of a task from other work, with a different target, mask or decoder. */
export interface Variant {
  /** Replaces the task's name in the recipe's name. */
  readonly name: string;
  readonly task: string;
  /** The publication that proposes the variant. */
  readonly source: string;
  readonly settings: ConfigInput;
}

const ofMasked: readonly Omit<Variant, 'task'>[] = [
  { name: 'masked-hog', source: 'MaskFeat, arXiv 2112.09133', settings: { model: { target: 'hog' } } },
  {
    name: 'masked-low-pass',
    source: 'PixMIM, arXiv 2303.02416',
    settings: { model: { target: 'low-pass' } },
  },
  {
    name: 'masked-cross',
    source: 'CrossMAE, arXiv 2401.14391',
    settings: { model: { decoder: { kind: 'cross', share: 0.5 } } },
  },
  {
    name: 'masked-linear',
    source: 'SimMIM, arXiv 2111.09886',
    settings: { task: { maskRatio: 0.6 }, model: { decoder: { kind: 'linear' } } },
  },
  { name: 'masked-block', source: 'BEiT, arXiv 2106.08254', settings: { task: { mask: 'block' } } },
  { name: 'masked-grid', source: 'Pixio, arXiv 2512.15715', settings: { task: { mask: 'grid' } } },
  {
    name: 'masked-green-noise',
    source: 'ColorMAE, arXiv 2407.13036',
    settings: { task: { mask: 'green-noise' } },
  },
];

/** Variants of the masked task from other papers, with all else equal; and two degradations in a row. */
export const variants: readonly Variant[] = [
  ...ofMasked.map((variant) => ({ ...variant, task: 'masked' })),
  ...['zoomed-in+blurred', 'masked+zoomed-in+blurred'].map((task) => ({
    name: task.replaceAll('+', '-'),
    task,
    source: 'two degradations in a row',
    settings: {},
  })),
];
