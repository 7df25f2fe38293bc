import { patchCount, patchGrid, type Size } from '../image/size.ts';
import type { DecoderConfig, EncoderConfig, StackSize } from '../models/config.ts';
import { decoderOf } from '../models/decoders/table.ts';
import type { DetectorConfig } from '../models/detector.ts';
import type { SegmenterConfig } from '../models/segmenter.ts';
import { visibleTokens } from '../nn/masking.ts';
import { stackFlops } from '../nn/stack-flops.ts';
import type { OwnTasks } from '../tasks/own.ts';
import { taskOf } from '../tasks/table.ts';
import { type DetectConfig, detectorConfig } from './detect-schema.ts';
import type { Config } from './schema.ts';
import { type SegmentConfig, segmenterConfig } from './segment-schema.ts';

/**
 * Floating-point operations of the matrix products of one training step per image. A multiplication and an addition
 * count as two; the backward pass costs twice the forward pass; all patches are predicted (34.9e9 for ViT-B/16 at 224×224 with 75 %
 * of its tokens removed; predicting the removed patches only takes 1.6 % less).
 * @param own tasks of the user's own
 */
export function stepFlops({ model, task }: Pick<Config, 'model' | 'task'>, own?: OwnTasks): number {
  const { mask, guide } = taskOf(task, own);
  const patches = patchCount(model);
  const visible = mask ? visibleTokens(patches, task.maskRatio) : patches;
  const decoder = decoderOf(model.decoder);
  const encoded = decoder.fillsEncoder ? patches : visible;
  const known = encoded + (guide ? patches + (model.classToken ? 1 : 0) : 0);
  const forward =
    encoderFlops(model, encoded) +
    (guide ? encoderFlops(model, patches) : 0) +
    decoder.flops(model, { tokens: known, removed: patches - visible, patches });
  return 3 * forward;
}

/** Operations of the encoder for an image with this number of visible patches. */
function encoderFlops(model: EncoderConfig, patches: number): number {
  const tokens = patches + (model.classToken ? 1 : 0);
  return (
    2 * patches * model.patch ** 2 * model.channels * model.width +
    stackFlops(tokens, model.width, model.depth, model.mlpRatio)
  );
}

/** Operations per image of a fine-tuning step: all tokens, and a head for `classes` classes instead of the decoder. */
export function finetuneFlops({ model }: { readonly model: EncoderConfig }, classes: number): number {
  return 3 * (encoderFlops(model, patchCount(model)) + 2 * model.width * classes);
}

/** Operations per image of a step of segmentation: all tokens, and the head for `classes` classes; convolutions count as products. */
export function segmentFlops({ model }: Pick<SegmentConfig, 'model'>, classes: number): number {
  const patches = patchCount(model);
  return 3 * (encoderFlops(model, patches) + headFlops(segmenterConfig({ model }, classes), patches));
}

function headFlops({ head, width, classes }: SegmenterConfig, patches: number): number {
  if (head.kind === 'linear') return 2 * patches * width * classes;
  const { channels, auxiliary = 0, scales = [4, 2, 1, 0.5], pools = [1, 2, 3, 6] } = head;
  const [largest, smallest] = [scales[0]!, scales.at(-1)!];
  const neck = scales.map((scale) => (scale === 4 ? 20 : scale === 2 ? 4 : 0) * width ** 2);
  const levels = scales.slice(0, -1).map((scale) => scale ** 2 * channels * (width + 9 * channels));
  const products = [
    ...[...neck, ...levels],
    smallest ** 2 * 9 * (width + pools.length * channels) * channels,
    largest ** 2 * channels * (9 * scales.length * channels + classes),
    auxiliary * (9 * width + classes),
  ];
  return 2 * patches * products.reduce((a, b) => a + b, 0);
}

/** Operations per image of a step of detection, on an engine that computes the backbone once a step. */
export function detectFlops(
  { model, training }: Pick<DetectConfig, 'model' | 'training'>,
  classes: number,
): number {
  const { width, head } = model;
  const { channels, convolutions, hidden, masks } = head;
  const patches = patchCount(model);
  const areas = head.scales.map((scale) => scale ** 2);
  const all = areas.reduce((a, b) => a + b, 0) + areas.at(-1)! / 4;
  const neck = head.scales.map((scale, i) => {
    const first = scale === 4 ? width / 4 : scale === 2 ? width / 2 : width;
    const enlarged = scale === 4 ? 4 * width ** 2 : scale === 2 ? 2 * width ** 2 : 0;
    return enlarged + areas[i]! * channels * (first + 9 * channels);
  });
  const proposals = all * channels * (18 * channels + 15);
  const maps = 2 * patches * (neck.reduce((a, b) => a + b, 0) + proposals);
  const columns = head.scales.reduce((sum, scale) => sum + (scale * model.image[1]) / model.patch, 0);
  const read = (bins: number) =>
    areas.reduce((sum, area) => sum + bins * area * patches * channels, 0) + bins ** 2 * columns * channels;
  const tower = 9 * convolutions * channels ** 2;
  const boxes = read(7) + 49 * (tower + channels * hidden) + hidden * (5 * classes + 1);
  const masked = masks ? read(14) + 196 * (tower + 4 * channels ** 2 + 4 * channels * classes) : 0;
  const heads = 2 * (training.rois * boxes + Math.max(1, Math.floor(training.rois / 4)) * masked);
  return 3 * (windowedFlops(detectorConfig({ model }, classes)) + maps + heads);
}

/** Operations of a detector's encoder: attention in windows, those at the edges filled up, and products with decomposed positions. */
function windowedFlops(model: DetectorConfig): number {
  const { width, windows, depth, mlpRatio } = model;
  const grid = patchGrid(model);
  const patches = patchCount(model);
  const attention = (side: Size, count: number) => {
    const tokens = side[0] * side[1];
    const positions = model.decomposedPositions ? 2 * tokens * (side[0] + side[1]) * width : 0;
    return count * (8 * tokens * width ** 2 + 4 * tokens ** 2 * width + positions);
  };
  const inWindows = () => {
    const { side } = windows!;
    return attention([side, side], Math.ceil(grid[0] / side) * Math.ceil(grid[1] / side));
  };
  const whole = windows ? windows.global.length : depth;
  return (
    2 * patches * (model.patch ** 2 * model.channels * width + depth * 2 * mlpRatio * width ** 2) +
    whole * attention(grid, 1) +
    (depth - whole) * (windows ? inWindows() : 0)
  );
}

/** Activations that a training step stores per block, for each feature of a token. */
const STORED = 30;

/**
 * Estimated memory of a training step per image, in bytes: activations stored for the backward pass, in float32. onnxruntime's
 * measured peak for ViT-B/16 with 75 % of its tokens removed is 97 MB (estimate 95 MB). Engines that plan memory need less.
 */
export function trainingBytes({ model, task, data, training }: Sized, own?: OwnTasks): number {
  const patches = patchCount(model);
  const { decoder } = model;
  const { fillsEncoder } = decoderOf(decoder ?? {});
  const { mask, guide } = task ? taskOf(task, own) : {};
  const visible = task && mask && !fillsEncoder ? visibleTokens(patches, task.maskRatio) : patches;
  const stack = (tokens: number, { width, depth, heads }: StackSize) =>
    depth * (STORED * tokens * width + heads * tokens ** 2);
  const encoder = stack(visible, model) + (guide ? stack(patches, model) : 0);
  const more = decoder && decoder.kind !== 'linear' ? stack(patches, decoder) : 0;
  return 4 * (encoder + more + headValues(model, data?.classes ?? null, training?.rois));
}

/** Values that a step of segmentation stores per pixel and class, and per pixel and channel of UperNet's largest maps. */
const [STORED_LOGITS, STORED_MAPS] = [5, 16];

/** Stored values of the head of a segmenter or detector per image. */
function headValues(
  { head, ...model }: Sized['model'],
  classes: NonNullable<Sized['data']>['classes'] | null,
  rois = 0,
): number {
  if (!head || !classes) return 0;
  const patches = patchCount(model);
  const { kind, channels, scales } = head;
  if (kind === undefined) {
    const maps = scales.reduce((sum, scale) => sum + scale ** 2, 0) * patches;
    return STORED_MAPS * channels * (maps + rois * (7 ** 2 + 14 ** 2 / 2));
  }
  const pixels = model.image[0] * model.image[1];
  const largest = kind === 'upernet' ? scales[0]! ** 2 * STORED_MAPS * channels : 0;
  return STORED_LOGITS * pixels * ('classes' in classes ? classes.classes.length : 0) + largest * patches;
}

/** Settings that determine a step's memory. */
export interface Sized {
  readonly model: EncoderConfig & {
    readonly decoder?: DecoderConfig;
    /** Of a segmenter; of a detector, without `kind`. */
    readonly head?: {
      readonly kind?: SegmentConfig['model']['head']['kind'];
      readonly channels: number;
      readonly scales: readonly number[];
    };
  };
  readonly data?: {
    readonly source?: string;
    readonly classes?: SegmentConfig['data']['classes'] | DetectConfig['data']['classes'];
  };
  readonly training?: { readonly batchSize: number; readonly rois?: number };
  readonly task?: { readonly name: string; readonly mask?: string; readonly maskRatio: number };
}
