import { CIFAR10 } from '../../image/normalise.ts';
import type { FinetuneInput } from '../finetune-schema.ts';
import type { FinetuneEntry } from '../recipe.ts';

/** MAE. */
const MAE = 'arXiv 2111.06377';

/** Differences of the sizes' recipes: epochs, learning rate, layer decay and drop path as in MAE's recipes. */
const sizes: Readonly<
  Record<string, Pick<FinetuneEntry, 'source' | 'expected'> & { note?: string; more?: FinetuneInput }>
> = {
  tiny: { source: `${MAE}, settings of ViT-B`, expected: 'not published' },
  small: { source: `${MAE}, settings of ViT-B`, expected: 'not published' },
  base: {
    source: `${MAE} and 2203.14313`,
    expected: 'top-1 83.2 %',
    note: 'from masked+zoomed-in at 300 epochs, 82.9 % from masked',
  },
  large: {
    source: MAE,
    expected: 'top-1 85.9 %',
    note: "from MAE's weights of 1600 epochs",
    more: { training: { epochs: 50, learningRate: 1e-3, layerDecay: 0.75, dropPath: 0.2 } },
  },
  huge: {
    source: MAE,
    expected: 'top-1 86.9 %',
    note: "from MAE's weights of 1600 epochs",
    more: { training: { epochs: 50, learningRate: 1e-3, layerDecay: 0.75, dropPath: 0.3 } },
  },
};

const imagenet: readonly FinetuneEntry[] = Object.entries(sizes).map(
  ([model, { source, expected, note, more = {} }]) => ({
    name: `imagenet-${model}-finetune`,
    model,
    source,
    images: 1_281_167,
    classes: 1000,
    expected,
    notes: [
      'imagenet-*-finetune: needs accelerators, and ImageNet-1K: --data classes:TRAIN --test classes:VAL',
      ...(note ? [`imagenet-${model}-finetune: ${expected} ${note}`] : []),
    ],
    settings: { ...more, training: { microBatch: 32, ...more.training } },
  }),
);

/**
 * The micro ViT on 32×32 images. Crops are larger than on ImageNet and augmentation is milder: RandAugment at magnitude 9 destroys
 * most of a 32-pixel image.
 */
const cifar10: FinetuneEntry = {
  name: 'cifar10-micro-finetune',
  model: 'micro',
  source: `${MAE}, milder`,
  images: 50_000,
  classes: 10,
  expected: 'not published',
  notes: [
    'cifar10-micro-finetune: hours on two CPU cores; with --quick, a few epochs without mixing or augmentation',
  ],
  settings: {
    data: {
      source: 'cifar10',
      mean: [...CIFAR10.mean],
      std: [...CIFAR10.std],
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
