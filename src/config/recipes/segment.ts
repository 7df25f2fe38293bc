import { CIFAR10 } from '../../image/normalise.ts';
import { mergeSettings } from '../merge.ts';
import type { SegmentEntry } from '../recipe.ts';
import type { SegmentInput } from '../segment-schema.ts';
import { absolute } from './absolute.ts';

const HEADS: Readonly<Record<'linear' | 'upernet', NonNullable<SegmentInput['model']>['head']>> = {
  linear: { kind: 'linear' },
  // The micro ViT's grids are fine already, and its maps small.
  upernet: { kind: 'upernet', channels: 64, scales: [2, 1, 0.5], auxiliary: 32 },
};

/** The micro ViT on small images, on two CPU cores. */
const micro: SegmentInput = {
  data: { mean: [...CIFAR10.mean], std: [...CIFAR10.std] },
  training: {
    ...absolute(2e-3, 16),
    epochs: 100,
    warmupEpochs: 5,
    layerDecay: 0.85,
    dropPath: 0,
    lossOver: 'labelled',
  },
  evaluation: { stride: 1, every: 5 },
  checkpoints: { every: 100 },
};

const onMicro = (more: SegmentInput): SegmentInput => mergeSettings(micro, more);

const shapes = (['linear', 'upernet'] as const).map(
  (head): SegmentEntry => ({
    name: `shapes-micro-${head}`,
    model: 'micro',
    source: 'this project',
    images: 200,
    classes: 4,
    expected: 'not published',
    notes: [
      'shapes-micro-*: pictures that `data shapes --output shapes` draws, --data masks:shapes; with --quick, minutes on two CPU cores',
    ],
    settings: onMicro({
      data: { scale: [0.75, 1.5], largestClass: 1 },
      model: { image: [64, 64], head: HEADS[head] },
    }),
    // The pictures shrunk to the size of CIFAR-10's, whose pre-training fits.
    quick: {
      data: { photometric: false },
      model: { image: [32, 32] },
      training: { epochs: 30, warmupEpochs: 2 },
    },
  }),
);

const nuclei = (['linear', 'upernet'] as const).map(
  (head): SegmentEntry => ({
    name: `nuclei-micro-${head}`,
    model: 'micro',
    source: 'Data Science Bowl 2018',
    images: 274,
    classes: 2,
    expected: 'not published',
    notes: [
      'nuclei-micro-*: crops of 64 pixels of images of 256, --data masks:FOLDER; with --quick, minutes on two CPU cores',
    ],
    settings: onMicro({
      data: { shortSide: 256, scale: [0.75, 1.5], largestClass: 1 },
      model: { image: [64, 64], head: HEADS[head] },
      evaluation: { images: 30 },
    }),
    quick: { data: { photometric: false }, training: { epochs: 10, warmupEpochs: 1 } },
  }),
);

/** MAE's recipe in mmsegmentation, in epochs of 20,210 images: 160,000 steps of 16 are 127, 1,500 are 1.19. */
const ade20k: readonly SegmentEntry[] = [
  {
    name: 'ade20k-base-upernet',
    model: 'base',
    source: 'arXiv 2111.06377 as in mmsegmentation (configs/mae)',
    images: 20_210,
    classes: 150,
    expected: 'mIoU 48.1 %',
    notes: [
      'ade20k-base-*: needs accelerators, and ADE20K: --data masks:ADEChallengeData2016, --from MAE or the like',
      "ade20k-base-upernet: 48.1 % from MAE's ViT-B of 1600 epochs",
    ],
    settings: {
      model: {
        image: [512, 512],
        classToken: true,
        positions: 'sincos2d',
        relativePositions: true,
        layerScaleInit: 1,
        head: { kind: 'upernet', channels: 768, taps: [3, 5, 7, 11], auxiliary: 256, dropout: 0.1 },
      },
      training: { ...absolute(1e-4, 16), epochs: 127, warmupEpochs: 1.19, layerDecay: 0.65, dropPath: 0.1 },
      evaluation: { every: 10, stride: 0.5 },
    },
  },
  {
    name: 'ade20k-base-linear',
    model: 'base',
    source: 'arXiv 2404.12172, layer decay of arXiv 2111.06377',
    images: 20_210,
    classes: 150,
    expected: 'not published',
    notes: [
      'ade20k-base-linear: a ranking of pre-trainings like that of larger heads, at a fraction of the time; 40,000 steps of 16',
    ],
    settings: {
      model: { image: [512, 512], classToken: true, positions: 'sincos2d', head: { kind: 'linear' } },
      training: {
        ...absolute(1e-4, 16),
        epochs: 32,
        warmupEpochs: 1.19,
        layerDecay: 0.65,
        dropPath: 0.1,
        lossOver: 'labelled',
      },
      evaluation: { every: 4 },
    },
  },
];

export const segmentRecipeEntries: readonly SegmentEntry[] = [...shapes, ...nuclei, ...ade20k];
