import type { DetectInput } from '../../src/config/detect-schema.ts';
import type { FinetuneInput } from '../../src/config/finetune-schema.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { SegmentInput } from '../../src/config/segment-schema.ts';
import type { Rng } from '../../src/random/rng.ts';
import type { ExportFormat } from '../../src/weights/out/export.ts';
import type { Part } from '../../src/weights/out/part.ts';
import {
  randomCheckpoint,
  randomClassifier,
  randomDetector,
  randomSegmenter,
} from '../support/random-checkpoint.ts';

/** A model with random weights, and all that it is exported as. */
export interface ExportCase {
  readonly write: (path: string, random: Rng) => Promise<void>;
  readonly exports: readonly (readonly [ExportFormat, Part])[];
}

const classes = ['cat', 'dog', 'élan', 'fish', 'gnu'];
const size = { patch: 4, width: 12, depth: 2, heads: 3 };
const decoder = { width: 8, depth: 1, heads: 2 };
const data = {
  source: '/home/somebody/images',
  mean: [0.5, 0.4, 0.3],
  std: [0.2, 0.25, 0.3],
  evaluationCrop: 0.8,
};

const pretrained = (
  model: ConfigInput['model'],
  exports: ExportCase['exports'],
  more: ConfigInput = {},
): ExportCase => ({
  write: (path, random) =>
    randomCheckpoint(path, random, {
      data,
      task: { name: 'masked' },
      ...more,
      model: { ...size, decoder, ...model },
    }),
  exports,
});

const finetuned = (model: FinetuneInput['model'], exports: ExportCase['exports']): ExportCase => ({
  write: (path, random) => randomClassifier(path, random, { data, model: { ...size, ...model } }, classes),
  exports,
});

const segmented = (
  model: SegmentInput['model'],
  exports: ExportCase['exports'],
  more: SegmentInput = {},
): ExportCase => ({
  write: (path, random) => {
    const { evaluationCrop: _, ...images } = data;
    const settings = { ...more, data: { ...images, ...more.data }, model: { ...size, ...model } };
    return randomSegmenter(path, random, settings, classes);
  },
  exports,
});

const detected = (model: DetectInput['model'], more: DetectInput = {}): ExportCase => ({
  write: (path, random) => {
    const { evaluationCrop: _, ...images } = data;
    const head = { channels: 8, convolutions: 1, hidden: 16, ...model?.head };
    const settings = {
      ...{ evaluation: { proposals: 40, detections: 20 }, ...more },
      data: { ...images, ...more.data },
      model: { ...size, window: 0, ...model, head },
    };
    return randomDetector(path, random, settings, classes);
  },
  exports: [['onnx', 'detector']],
});

const beit = {
  ...{ image: [16, 16] as [number, number], classToken: true },
  head: { kind: 'upernet' as const, channels: size.width, taps: [0, 1, 2, 3], auxiliary: 6 },
};

const mae = { image: [16, 16] as [number, number], classToken: true };

/** What models there are: sizes, tokens, positions, heads and targets. */
export const cases: Readonly<Record<string, ExportCase>> = {
  'as in the paper, not square': pretrained({ image: [8, 16] }, [
    ['timm', 'features'],
    ['onnx', 'features'],
  ]),
  'as in MAE': pretrained({ ...mae, positions: 'sincos2d', target: 'patch' }, [
    ['timm', 'features'],
    ['huggingface', 'features'],
    ['huggingface', 'autoencoder'],
    ['onnx', 'features'],
  ]),
  'learned positions, raw pixels, another epsilon': pretrained(
    { ...mae, positions: 'learned', target: 'none', mlpRatio: 2.5, epsilon: 1e-3 },
    [
      ['timm', 'features'],
      ['huggingface', 'features'],
      ['huggingface', 'autoencoder'],
    ],
  ),
  'one channel, targets by channel': pretrained(
    { ...mae, channels: 1 },
    [
      ['timm', 'features'],
      ['huggingface', 'autoencoder'],
      ['onnx', 'features'],
    ],
    { data: { ...data, mean: [0.5], std: [0.2] }, task: { name: 'masked+zoomed-in', maskRatio: 0.5 } },
  ),
  'fine-tuned, mean of the patches': finetuned({ image: [8, 16] }, [
    ['timm', 'classifier'],
    ['timm', 'features'],
    ['onnx', 'classifier'],
    ['onnx', 'features'],
  ]),
  'fine-tuned, class token': finetuned({ ...mae, positions: 'sincos2d', pooling: 'token', fcNorm: false }, [
    ['timm', 'classifier'],
    ['huggingface', 'classifier'],
    ['huggingface', 'features'],
    ['onnx', 'classifier'],
  ]),
  'class token left out of the mean, norm before it': finetuned({ ...mae, image: [8, 16], fcNorm: false }, [
    ['timm', 'classifier'],
    ['huggingface', 'features'],
    ['onnx', 'classifier'],
  ]),
  'segmented, linear head, not square, windows that overlap': segmented(
    { image: [8, 16], head: { kind: 'linear' } },
    [
      ['onnx', 'segmenter'],
      ['onnx', 'features'],
    ],
    { data: { shortSide: 12 }, evaluation: { stride: 0.5 } },
  ),
  'segmented, UperNet of other maps': segmented(
    {
      image: [16, 16],
      head: { kind: 'upernet', channels: 7, taps: [0, 1], scales: [2, 0.5], pools: [1, 2], auxiliary: 0 },
    },
    [['onnx', 'segmenter']],
  ),
  'segmented as BEiT: relative positions, layer scale': segmented(
    { ...beit, depth: 4, relativePositions: true, layerScaleInit: 0.5 },
    [
      ['huggingface', 'segmenter'],
      ['onnx', 'segmenter'],
    ],
  ),
  'segmented as BEiT, the last blocks not taken, no auxiliary head': segmented(
    { ...beit, depth: 6, head: { ...beit.head, pools: [1, 3], auxiliary: 0 }, epsilon: 1e-5 },
    [['huggingface', 'segmenter']],
  ),
  'detected, masks, not square, windows, relative positions': detected({
    ...{ image: [32, 40], window: 3, relativePositions: true, patch: 8 },
    head: { scales: [4, 2, 1, 0.5] },
  }),
  'detected, boxes alone, one channel, a scale left out': detected(
    { image: [40, 32], channels: 1, head: { scales: [2, 0.5], masks: false } },
    { data: { mean: [0.5], std: [0.2] }, evaluation: { proposals: 30, detections: 25, leastScore: 0.1 } },
  ),
};

/** Larger ones, for the check in Python. */
export const largeCases: Readonly<Record<string, ExportCase>> = {
  "a size of timm's": pretrained({ image: [32, 32], patch: 16, width: 192, depth: 12, heads: 3 }, [
    ['timm', 'features'],
    ['onnx', 'features'],
  ]),
};
