import { CIFAR10 } from '../../image/normalise.ts';
import type { DetectInput } from '../detect-schema.ts';
import { mergeSettings } from '../merge.ts';
import type { DetectEntry } from '../recipe.ts';
import { absolute } from './absolute.ts';

/** The micro ViT on small images, on two CPU cores: maps of 64 channels, and few boxes. */
const micro: DetectInput = {
  data: { mean: [...CIFAR10.mean], std: [...CIFAR10.std], scale: [0.75, 1.25] },
  model: {
    window: 0,
    head: { channels: 64, scales: [2, 1, 0.5], convolutions: 2, hidden: 256 },
  },
  training: {
    ...absolute(1e-3, 8),
    epochs: 60,
    warmupEpochs: 3,
    layerDecay: 0.85,
    dropPath: 0,
    weightDecay: 0.05,
    proposals: 200,
    rois: 64,
  },
  evaluation: { proposals: 100, every: 5 },
  checkpoints: { every: 100 },
};

export const detectRecipeEntries: readonly DetectEntry[] = [
  {
    name: 'shapes-micro-mask-rcnn',
    model: 'micro',
    source: 'this project',
    images: 200,
    classes: 3,
    expected: 'not published',
    notes: [
      'shapes-micro-mask-rcnn: pictures that `data shapes --output shapes` draws; with --quick, minutes on two CPU cores',
    ],
    settings: mergeSettings(micro, { model: { image: [64, 64] } }),
    quick: { training: { epochs: 12, warmupEpochs: 1 }, evaluation: { every: 3 } },
  },
  {
    name: 'nuclei-micro-mask-rcnn',
    model: 'micro',
    source: 'Data Science Bowl 2018',
    images: 274,
    classes: 1,
    expected: 'not published',
    notes: [
      'nuclei-micro-mask-rcnn: --data nuclei-objects, images of 256 pixels halved; with --quick, minutes on two CPU cores',
    ],
    settings: mergeSettings(micro, {
      model: { image: [128, 128] },
      training: { proposals: 400, rois: 128 },
      evaluation: { images: 30, proposals: 300 },
    }),
    quick: { training: { epochs: 4, warmupEpochs: 0.5 }, evaluation: { every: 2 } },
  },
  {
    name: 'coco-base-vitdet',
    model: 'base',
    source: 'arXiv 2203.16527 as in detectron2 (projects/ViTDet)',
    images: 118_287,
    classes: 80,
    expected: 'box AP 51.6 %, mask AP 45.9 %',
    notes: [
      "coco-base-vitdet: needs accelerators, and COCO; 51.6 % and 45.9 % from MAE's ViT-B of 1600 epochs",
    ],
    settings: {
      data: { scale: [0.1, 2] },
      model: { image: [1024, 1024], window: 14, relativePositions: true, positions: 'sincos2d' },
      training: {
        ...absolute(1e-4, 64),
        epochs: 100,
        warmupEpochs: 0.14,
        weightDecay: 0.1,
        layerDecay: 0.7,
        dropPath: 0.1,
        schedule: 'steps',
      },
      evaluation: { every: 10 },
    },
  },
];
