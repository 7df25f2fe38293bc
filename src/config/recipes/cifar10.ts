import { tasks } from '../../tasks/table.ts';
import { mergeConfig } from '../overrides.ts';
import type { RecipeEntry } from '../recipes.ts';
import type { ConfigInput } from '../schema.ts';

const shared: ConfigInput = {
  data: {
    source: 'cifar10',
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.247, 0.2435, 0.2616],
    evaluationCrop: 1,
  },
  training: { batchSize: 256, epochs: 100, warmupEpochs: 5 },
  checkpoints: { every: 100 },
};

/** Two passes, about three minutes on two cores: what a first try should be. */
const quick: ConfigInput = {
  training: { epochs: 2, warmupEpochs: 0.2, learningRate: 1e-3 },
  checkpoints: { every: 50 },
  evaluation: { knnEvery: 2 },
};

/** The micro ViT on CIFAR-10, for every task: a run of hours, and its `-quick` variant of minutes. */
export const cifar10Recipes: readonly RecipeEntry[] = tasks.flatMap(({ name: task }): RecipeEntry[] => {
  const name = `cifar10-micro-${task.replaceAll('+', '-')}`;
  const entry = { model: 'micro', task, images: 50_000, expected: 'not published' };
  return [
    {
      ...entry,
      name,
      source: "this project: the paper's settings on 32×32 images, batch 256",
      costNote: 'hours on two CPU cores',
      settings: shared,
    },
    {
      ...entry,
      name: `${name}-quick`,
      source: 'this project: two epochs of the recipe without -quick',
      costNote: 'minutes on two CPU cores',
      settings: mergeConfig(shared, quick),
    },
  ];
});
