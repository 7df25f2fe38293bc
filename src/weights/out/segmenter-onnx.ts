import { parseSegmentConfig, storedValues } from '../../config/segment-schema.ts';
import {
  cast,
  constant,
  input,
  max,
  mul,
  type Program,
  program,
  reshape,
  sign,
  sub,
  type Tensor,
  transpose,
} from '../../graph/index.ts';
import { segment } from '../../models/segmenter.ts';
import { bilinear } from '../../nn/maps.ts';
import { fromPicture } from '../../nn/normalise.ts';
import { weightInputs } from '../../programs/pretrain.ts';
import { predictingParameters } from '../../programs/segment.ts';
import { zoomOf } from '../../run/setup-segment.ts';
import type { Model } from '../model.ts';
import { block, classNamesOf } from './format.ts';

/**
 * The program that `predict` runs on windows, preparation included: `pixels` f32 [B, C, H, W] on the scale 0–255 → `logits` [B, K, H, W], to be
 * averaged where windows overlap, and `labels` u8 [B, H, W], the class of each pixel; of equal logits the lower class.
 */
export function segmenterProgram({ segmenter, normalisation }: Model, batch: number): Program {
  const model = segmenter!;
  const weights = weightInputs(predictingParameters(model));
  const pixels = input('pixels', [batch, model.channels, ...model.image]);
  const { logits } = segment(model, weights, fromPicture(pixels, normalisation, 1 / 255));
  const scores = bilinear(logits, model.image);
  return program('segmenter', { logits: transpose(scores, [0, 3, 1, 2]), labels: largest(scores) });
}

/** The number of the largest value on the last axis, the lowest one of equal ones: [B, H, W, K] → u8 [B, H, W]. */
function largest(scores: Tensor): Tensor {
  const [batch, rows, columns, classes] = scores.shape as [number, number, number, number];
  const isLargest = sub(1, sign(sub(max(scores, [3]), scores)));
  const countdown = Float32Array.from({ length: classes }, (_, k) => classes - k);
  const first = sub(classes, max(mul(isLargest, constant(countdown, [1, 1, 1, classes])), [3]));
  return cast(reshape(first, [batch, rows, columns]), 'u8');
}

/** How `predict` looks at images: as the run's evaluation, or by mmsegmentation's windows. */
function viewOf({ run, segmenter }: Model) {
  if (!run)
    return {
      ...{ stride: 2 / 3, scales: [1], flip: false, zoom: 1 },
      values: segmenterValues(segmenter!.classes),
    };
  const config = parseSegmentConfig(run.config);
  const { stride, scales, flip } = config.evaluation;
  return { stride, scales, flip, zoom: zoomOf(config), values: storedValues(config.data.classes!) };
}

const segmenterValues = (classes: number) => Array.from({ length: classes }, (_, k) => k);

/** `config.json` of an exported segmenter: everything that the card's code needs beside the model. */
export function segmenterConfigFile(model: Model): object {
  const { segmenter, normalisation } = model;
  const { image, channels } = segmenter!;
  const { stride, zoom, values } = viewOf(model);
  return {
    classes: classNamesOf(model),
    values,
    window: image,
    stride: image.map((side) => Math.max(1, Math.round(stride * side))),
    zoom,
    channels,
    border: normalisation.mean.map((mean) => 255 * mean),
  };
}

/** Differences between the card's code and `predict`. */
export function segmenterNotes(model: Model): string[] {
  const { scales, flip } = viewOf(model);
  if (scales.length === 1 && scales[0] === 1 && !flip) return [];
  const what = [`images in the sizes ${scales.join(', ')}`, ...(flip ? ['their mirror images'] : [])].join(
    ' and ',
  );
  return [`Evaluation averaged the scores of ${what}; the code above segments an image once.`];
}

/** Code that segments an image of any size with the exported file. */
export function segmenterUsage({ segmenter }: Model): string {
  const { channels, image } = segmenter!;
  const mode = channels === 1 ? 'L' : 'RGB';
  return [
    `\`onnx/model.onnx\` takes \`pixels\`, float32 [batch, ${channels}, ${image.join(', ')}], from 0 to 255, windows of images, of any number. It normalises them, and returns \`logits\` [batch, classes, ${image.join(', ')}] and \`labels\` [batch, ${image.join(', ')}], the number of each pixel's class.`,
    'Python, for an image of any size, by the sliding windows of `predict`:',
    block('python', [...PYTHON(mode)]),
  ].join('\n\n');
}

const PYTHON = (mode: string) =>
  `import json

import numpy as np
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession('PATH/onnx/model.onnx')
with open('PATH/config.json', encoding='utf-8') as file:
    settings = json.load(file)


def starts(side, window, stride):
    count = (max(side - window, 0) + stride - 1) // stride + 1
    return [max(min(i * stride + window, side) - window, 0) for i in range(count)]


def resize(maps, size):  # [K, H, W], bilinear
    for axis, side in ((1, size[0]), (2, size[1])):
        at = np.clip((np.arange(side) + 0.5) * maps.shape[axis] / side - 0.5, 0, None)
        first = at.astype(int)
        second = np.minimum(first + 1, maps.shape[axis] - 1)
        share = (at - first).reshape([-1 if a == axis else 1 for a in range(3)])
        maps = maps.take(first, axis) * (1 - share) + maps.take(second, axis) * share
    return maps


def segment(image):
    """The number of the class of each pixel, [height, width]."""
    (rows, columns), (down, across) = settings['window'], settings['stride']
    width, height = image.size
    cover = max(rows / height, columns / width)
    zoom = min(cover, 4 * max(rows, columns) / max(height, width)) * settings['zoom']
    h, w = (max(1, int(side * zoom + 0.5)) for side in (height, width))
    resized = np.asarray(image.resize((w, h), Image.BICUBIC), np.float32).reshape(h, w, -1).transpose(2, 0, 1)
    pixels = np.empty((len(resized), max(h, rows), max(w, columns)), np.float32)
    pixels[:] = np.reshape(settings['border'], (-1, 1, 1))
    pixels[:, :h, :w] = resized
    sums = np.zeros((len(settings['classes']), *pixels.shape[1:]))
    counts = np.zeros(pixels.shape[1:])
    for y in starts(h, rows, down):
        for x in starts(w, columns, across):
            window = pixels[None, :, y:y + rows, x:x + columns]
            sums[:, y:y + rows, x:x + columns] += session.run(['logits'], {'pixels': window})[0][0]
            counts[y:y + rows, x:x + columns] += 1
    return resize((sums / counts)[:, :h, :w], (height, width)).argmax(0)


labels = segment(Image.open('image.jpg').convert('${mode}'))
mask = np.array(settings['values'], np.uint8)[labels]  # values as in the masks of the training`.split('\n');
