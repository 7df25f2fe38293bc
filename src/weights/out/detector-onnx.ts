import { parseDetectConfig } from '../../config/detect-schema.ts';
import type { OnnxGraph } from '../../engines/onnx/proto.ts';
import type { Values } from '../../graph/index.ts';
import { MASK_BINS } from '../../models/mask-head.ts';
import type { Model } from '../model.ts';
import { type DetectorParts, detectorGraph } from './detector-graph.ts';
import { block, classNamesOf } from './format.ts';

/** The detector of a run, with the counts of its evaluation. */
export function detectorParts({ detector, run, weights, normalisation }: Model): DetectorParts {
  const { proposals, detections } = parseDetectConfig(run!.config).evaluation;
  return { model: detector!, weights: weights as Values, normalisation, proposals, detections };
}

export const detectorOnnx = (model: Model): OnnxGraph => detectorGraph(detectorParts(model));

/** `config.json` of an exported detector: everything that the card's code needs beside the model. */
export function detectorConfigFile(model: Model): object {
  const { data, evaluation } = parseDetectConfig(model.run!.config);
  const { image, channels } = model.detector!;
  return {
    classes: classNamesOf(model),
    ids: data.classes!.map(({ id }) => id),
    image,
    channels,
    leastScore: evaluation.leastScore,
  };
}

/** Code that finds the objects of an image of any size with the exported file. */
export function detectorUsage(model: Model): string {
  const { channels, image, head } = model.detector!;
  const { detections } = detectorParts(model);
  const side = 2 * MASK_BINS;
  const masks = head.masks
    ? ` and \`masks\` [${detections}, ${side}, ${side}] in [0, 1], each spread over its box`
    : '';
  const between = head.masks ? ',' : ' and';
  return [
    `\`onnx/model.onnx\` is the whole detector: it takes \`pixels\`, float32 [1, ${channels}, height, width], from 0 to 255, one image of ${image.join(' × ')} at most, resized so that it just fits. It normalises and pads it, chooses proposals and detections, and returns the ${detections} surest objects, the surest first: \`boxes\` [${detections}, 4], x1, y1, x2, y2 in pixels of the input, \`scores\` [${detections}] in [0, 1]${between} \`labels\` [${detections}], numbers of classes${masks}. Where it finds fewer, the rest have the score 0 and the label −1. \`config.json\` has the names of the classes, and their ids in the annotations.`,
    'Python, for an image of any size, as `predict` finds objects, a least score included:',
    block('python', python(head.masks, channels === 1 ? 'L' : 'RGB')),
  ].join('\n\n');
}

const HEAD = `import json

import numpy as np
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession('PATH/onnx/model.onnx')
with open('PATH/config.json', encoding='utf-8') as file:
    settings = json.load(file)
`;

const PASTE = `

def paste(mask, box, height, width):
    """The pixels of an image that a mask covers, bool [height, width]: bilinear between its values, 0 around them."""
    def shares(count, low, high):
        at = (np.arange(count) + 0.5 - low) / max(high - low, 1e-9) * len(mask) - 0.5
        return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(len(mask))))
    x1, y1, x2, y2 = box
    return shares(height, y1, y2) @ mask @ shares(width, x1, x2).T >= 0.5
`;

const DETECT = (masks: boolean) => `

def detect(image, least=settings['leastScore']):
    """The objects of a score above \`least\`, the surest first; boxes are x1, y1, x2, y2 in pixels of the image."""
    rows, columns = settings['image']
    width, height = image.size
    zoom = min(rows / height, columns / width)
    h, w = (max(1, int(side * zoom + 0.5)) for side in (height, width))
    # Across, then down: versions of Pillow differ in the order, and so in how they round.
    resized = image.resize((w, height), Image.BICUBIC).resize((w, h), Image.BICUBIC)
    pixels = np.asarray(resized, np.float32).reshape(1, h, w, -1).transpose(0, 3, 1, 2)
    boxes, scores, labels${masks ? ', masks' : ''} = session.run(None, {'pixels': pixels})
    boxes = boxes.astype(float) * [width / w, height / h, width / w, height / h]
    return [
        {
            'class': settings['classes'][labels[i]],
            'score': float(scores[i]),
            'box': boxes[i].tolist(),${masks ? "\n            'mask': paste(masks[i], boxes[i], height, width)," : ''}
        }
        for i in np.flatnonzero(scores > least)
    ]
`;

const USE = (mode: string) => `

objects = detect(Image.open('image.jpg').convert('${mode}'))`;

const python = (masks: boolean, mode: string): string[] =>
  [HEAD, masks ? PASTE : '', DETECT(masks), USE(mode)].join('').split('\n');
