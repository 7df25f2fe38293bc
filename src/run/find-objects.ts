import { detectionsOf } from '../detect/detections.ts';
import { namedMatrices, SAMPLING } from '../detect/learn.ts';
import { pasteMask } from '../detect/paste-mask.ts';
import { proposalsOf, type Scored } from '../detect/proposals.ts';
import type { Rle } from '../detect/rle.ts';
import { roiMatrices } from '../detect/roi-align.ts';
import type { Boxes } from '../detect/rows.ts';
import type { Program, Values } from '../graph/index.ts';
import type { Size } from '../image/size.ts';
import { BOX_BINS } from '../models/box-head.ts';
import { type DetectorConfig, detectorLevels } from '../models/detector.ts';
import { MASK_BINS } from '../models/mask-head.ts';
import type { BoxPrograms } from '../programs/predict-boxes.ts';
import { joined } from './joined.ts';

/** A detector that is ready: its programs for a number of images, and how they are run. */
export interface Detector {
  readonly model: DetectorConfig;
  readonly programs: BoxPrograms;
  readonly run: (program: Program, inputs: Values) => Promise<Values>;
  /** The numbers that the programs were made for. */
  readonly proposals: number;
  readonly detections: number;
  /** Score below which a box is no detection. */
  readonly leastScore: number;
}

/** An object that was found, in pixels of its image. */
export interface FoundBox {
  readonly box: readonly [x1: number, y1: number, x2: number, y2: number];
  readonly class: number;
  readonly score: number;
  readonly mask?: Rle | undefined;
}

/** The findings of a detector in an image: the objects, the surest first, and its proposals. */
export interface FoundInImage {
  readonly objects: readonly FoundBox[];
  readonly proposals: Scored;
}

/** The views of images as evaluations take them: the whole image in the upper left corner. */
interface Views {
  /** [batch, channels, height, width] */
  readonly view: Uint8Array;
  /** The size of each image, and its size in the view, where it may reach beyond the edges. */
  readonly objects: readonly {
    readonly drawn: { readonly image: Size; readonly crop: { readonly resized: Size } };
  }[];
}

/** Finds the objects of a batch of images: the engine computes, and the host chooses boxes in between. */
export async function findObjects(detector: Detector, { view, objects }: Views): Promise<FoundInImage[]> {
  const { found, maps } = await proposed(detector, view, objects);
  const detections = await classified(detector, found, maps);
  const masks = await masked(detector, detections, maps);
  return found.map(({ proposals, image, zoom }, i) => {
    const { boxes, scores, classes } = detections[i]!;
    const placed = inImage(boxes, zoom);
    const side = 2 * MASK_BINS;
    return {
      proposals: { scores: proposals.scores, boxes: inImage(proposals.boxes, zoom) },
      objects: Array.from(scores, (score, k) => {
        const box = [...placed.subarray(4 * k, 4 * k + 4)] as unknown as FoundBox['box'];
        const at = (i * detector.detections + k) * side * side;
        const mask = masks && pasteMask(masks.subarray(at, at + side * side), side, box, image);
        return { box, class: classes[k]!, score, ...(mask && { mask }) };
      }),
    };
  });
}

interface Proposed {
  readonly proposals: Scored;
  /** Size of the image, that of the image in its view, and the pixels of the image along one of the view. */
  readonly image: Size;
  readonly shown: Size;
  readonly zoom: readonly [down: number, across: number];
}

async function proposed(detector: Detector, view: Uint8Array, objects: Views['objects']) {
  const { model, programs, run } = detector;
  const { objectness, deltas, ...maps } = (await run(programs.propose, { view })) as Record<
    string,
    Float32Array
  >;
  const anchors = objectness!.length / objects.length;
  const counts = { ofEach: detector.proposals, kept: detector.proposals };
  const found = objects.map(({ drawn: { image, crop } }, i): Proposed => {
    const shown = [0, 1].map((axis) => Math.min(crop.resized[axis]!, model.image[axis]!)) as unknown as Size;
    const [from, to] = [i * anchors, (i + 1) * anchors];
    const own = [objectness!.subarray(from, to), deltas!.subarray(4 * from, 4 * to)] as const;
    return {
      ...{ image, shown, zoom: [image[0] / crop.resized[0], image[1] / crop.resized[1]] },
      proposals: proposalsOf(detectorLevels(model), shown, ...own, counts),
    };
  });
  return { found, maps };
}

async function classified(detector: Detector, found: readonly Proposed[], maps: Values) {
  const { model, programs, run, proposals: count, leastScore, detections } = detector;
  const { classes } = model;
  const matrices = matricesOf(
    model,
    found.map(({ proposals }) => proposals.boxes),
    { name: 'rois', count, bins: BOX_BINS },
  );
  const { probabilities, deltas } = (await run(programs.boxes, { ...maps, ...matrices })) as Record<
    'probabilities' | 'deltas',
    Float32Array
  >;
  return found.map(({ proposals, shown }, i) => {
    const part = (values: Float32Array, each: number) =>
      values.subarray(i * count * each, (i + 1) * count * each);
    const head = { probabilities: part(probabilities, classes + 1), deltas: part(deltas, 4 * classes) };
    return detectionsOf(proposals.boxes, shown, head, { classes, least: leastScore, most: detections });
  });
}

/** The masks of the detections, [images, detections, side, side]; undefined for a detector without masks. */
async function masked(
  { model, programs, run, detections: count }: Detector,
  detections: readonly { readonly boxes: Boxes; readonly classes: Int32Array }[],
  maps: Values,
): Promise<Float32Array | undefined> {
  if (!programs.masks) return undefined;
  const classes = new Float32Array(detections.length * count).fill(-1);
  for (const [i, own] of detections.entries()) classes.set(own.classes, i * count);
  const matrices = matricesOf(
    model,
    detections.map(({ boxes }) => boxes),
    { name: 'masks', count, bins: MASK_BINS },
  );
  const { masks } = await run(programs.masks, { ...maps, ...matrices, 'masks:classes': classes });
  return masks as Float32Array;
}

/** The matrices that read the boxes of each image from its maps, by the names of a program's inputs. */
function matricesOf(
  model: DetectorConfig,
  images: readonly Boxes[],
  { name, count, bins }: { readonly name: string; readonly count: number; readonly bins: number },
): Values {
  const levels = detectorLevels(model).slice(0, -1);
  const each = images.map((boxes) =>
    namedMatrices(name, roiMatrices(boxes, levels, { count, bins, sampling: SAMPLING })),
  );
  return Object.fromEntries(
    Object.keys(each[0]!).map((input) => [input, joined(each.map((inputs) => inputs[input]!))]),
  );
}

/** Boxes of a view in pixels of its image. */
function inImage(boxes: Boxes, [down, across]: Proposed['zoom']): Boxes {
  return boxes.map((value, i) => value * (i % 2 === 0 ? across : down));
}
