import type { Shorthands } from './shorthands.ts';
import { trainingShorthands } from './training-options.ts';

/** The options of `detect` that are short for a setting. */
export const detectShorthands = {
  '--from <model>': [
    'from',
    'start with these weights: the folder of a run, a checkpoint, or a weights file',
  ],
  '--data <source>': ['data.source', 'images with objects to train on: boxes:PATH'],
  '--test <source>': [
    'data.test',
    'images with objects to evaluate on (default: the val part of --data, else a share of it)',
  ],
  '--heads <n>': ['model.heads', 'attention heads of --from, if its file does not name them'],
  ...trainingShorthands,
} as const satisfies Shorthands;
