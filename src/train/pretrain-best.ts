import type { Config } from '../config/schema.ts';
import type { StepRow } from '../run/events.ts';
import type { Measure } from './best.ts';

type Name = Exclude<Config['evaluation']['best'], 'none'>;

const negated = (value: number | undefined) => (value === undefined ? undefined : -value);

/** Measures by which a run of pre-training keeps its best weights: higher is better. */
const measures: Readonly<Record<Name, (row: Partial<StepRow>) => number | undefined>> = {
  heldOutLoss: ({ heldOutLoss }) => negated(heldOutLoss),
  psnr: ({ psnr }) => psnr,
  rankMe: ({ panel }) => panel?.rankMe,
  idEst: ({ panel }) => negated(panel?.idEst),
  dse: ({ panel }) => panel?.dse,
  linear: ({ panel }) => panel?.linear,
  knn: ({ knn }) => knn?.features,
};

/** The measure of the setting `evaluation.best`; undefined where none is chosen. */
export const bestMeasure = (name: Config['evaluation']['best']): Measure | undefined =>
  name === 'none' ? undefined : measures[name];
