import type { Shorthands } from './shorthands.ts';
import { trainingShorthands } from './training-options.ts';

/** The options of `segment` that are short for a setting. */
export const segmentShorthands = {
  '--from <model>': [
    'from',
    'start with these weights: the folder of a run, a checkpoint, or a weights file',
  ],
  '--data <source>': ['data.source', 'images with masks to train on: masks:FOLDER'],
  '--test <source>': [
    'data.test',
    'images with masks to evaluate on (default: the val part of --data, else a share of it)',
  ],
  '--head <kind>': 'model.head.kind',
  '--heads <n>': ['model.heads', 'attention heads of --from, if its file does not name them'],
  ...trainingShorthands,
} as const satisfies Shorthands;
