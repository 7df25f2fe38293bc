import type { FinetuneEntry } from '../finetune-recipes.ts';
import type { FinetuneInput } from '../finetune-schema.ts';

const MAE = 'MAE (arXiv 2111.06377)';

/** What the recipes of the sizes differ in: epochs, learning rate, layer decay and drop path as in MAE's own. */
const sizes: Readonly<Record<string, Pick<FinetuneEntry, 'source' | 'expected'> & { more?: FinetuneInput }>> =
  {
    tiny: { source: `${MAE}, settings of ViT-B`, expected: 'not published' },
    small: { source: `${MAE}, settings of ViT-B`, expected: 'not published' },
    base: {
      source: `${MAE}; arXiv 2203.14313`,
      expected: 'top-1 83.2 % from masked+zoomed-in, 82.9 % from masked, 300 epochs each',
    },
    large: {
      source: MAE,
      expected: 'top-1 85.9 % from MAE at 1600 epochs',
      more: { training: { epochs: 50, learningRate: 1e-3, layerDecay: 0.75, dropPath: 0.2 } },
    },
    huge: {
      source: MAE,
      expected: 'top-1 86.9 % from MAE at 1600 epochs',
      more: { training: { epochs: 50, learningRate: 1e-3, layerDecay: 0.75, dropPath: 0.3 } },
    },
  };

const imagenet: readonly FinetuneEntry[] = Object.entries(sizes).map(
  ([model, { source, expected, more = {} }]) => ({
    name: `imagenet-${model}-finetune`,
    model,
    source,
    images: 1_281_167,
    classes: 1000,
    expected,
    notes: ['imagenet-*: needs accelerators, and ImageNet-1K: --data classes:TRAIN --test classes:VAL'],
    settings: { ...more, training: { microBatch: 32, ...more.training } },
  }),
);

/**
 * The micro ViT on 32×32 images. Crops keep more of so small an image than of ImageNet's, and augmentation is milder: an operation
 * of RandAugment at magnitude 9 leaves little of 32 pixels.
 */
const cifar10: FinetuneEntry = {
  name: 'cifar10-micro-finetune',
  model: 'micro',
  source: 'settings of MAE, milder for 32×32 images',
  images: 50_000,
  classes: 10,
  expected: 'not published',
  notes: [
    'cifar10-*: hours on two CPU cores; with --quick, a few epochs without mixing or augmentation: minutes',
  ],
  settings: {
    data: {
      source: 'cifar10',
      mean: [0.4914, 0.4822, 0.4465],
      std: [0.247, 0.2435, 0.2616],
      evaluationCrop: 1,
      scale: [0.4, 1],
      randAugment: 'rand-m5-mstd0.5-inc1',
    },
    training: { batchSize: 256, learningRate: 1e-3, layerDecay: 0.75, dropPath: 0.05 },
    checkpoints: { every: 100 },
  },
  quick: {
    data: { scale: [0.6, 1], randAugment: '', colourJitter: 0, erasing: 0 },
    training: {
      epochs: 3,
      warmupEpochs: 0.3,
      batchSize: 128,
      learningRate: 2e-3,
      dropPath: 0,
      mixup: 0,
      cutmix: 0,
    },
  },
};

export const finetuneRecipeEntries: readonly FinetuneEntry[] = [cifar10, ...imagenet];
