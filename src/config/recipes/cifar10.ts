import { CIFAR10 } from '../../image/normalise.ts';
import { tasks } from '../../tasks/table.ts';
import { mergeSettings } from '../merge.ts';
import type { RecipeEntry } from '../recipe.ts';
import type { ConfigInput } from '../schema.ts';
import { variants } from './variants.ts';

const shared: ConfigInput = {
  data: {
    source: 'cifar10',
    mean: [...CIFAR10.mean],
    std: [...CIFAR10.std],
    evaluationCrop: 1,
  },
  training: { batchSize: 256, epochs: 100, warmupEpochs: 5 },
  checkpoints: { every: 100 },
};

/**
 * A first try: two epochs, three to five minutes on two cores. docs/reproduction.md, "The first run", lists the alternatives that
 * were measured.
 */
const quick: ConfigInput = {
  training: { epochs: 2, warmupEpochs: 0.2, batchSize: 128, learningRate: 4e-3 },
  checkpoints: { every: 100 },
  evaluation: { knnEvery: 2, knnTrain: 5_000 },
};

const ofTasks = tasks.map(({ name: task }) => ({ name: task.replaceAll('+', '-'), task, settings: {} }));

/** The micro ViT on CIFAR-10, for every task and variant: a run of hours, and a quick variant of minutes. */
export const cifar10Recipes: readonly RecipeEntry[] = [...ofTasks, ...variants].map((of) => ({
  name: `cifar10-micro-${of.name}`,
  model: 'micro',
  task: of.task,
  source: `the paper's settings, batch 256${'source' in of ? `; ${of.source}` : ''}`,
  images: 50_000,
  expected: 'not published',
  notes: [
    'cifar10-*: hours on two CPU cores; with --quick, two epochs of smaller batches at a higher learning rate: minutes',
  ],
  settings: mergeSettings(shared, of.settings),
  quick,
}));
