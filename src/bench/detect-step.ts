import { resolveDetectConfig } from '../config/detect-recipes.ts';
import { detectorConfig } from '../config/detect-schema.ts';
import { drawShapes, SHAPES } from '../data/shapes/draw.ts';
import { anchorsOf } from '../detect/anchors.ts';
import { encode, PROPOSAL_SCALE } from '../detect/deltas.ts';
import { chooseRois, type DetectionPlan, inputsOf, roiInputs } from '../detect/learn.ts';
import { matched } from '../detect/match.ts';
import type { Objects } from '../detect/objects.ts';
import { decodeRle, encodeRle } from '../detect/rle.ts';
import { allOf, chosen } from '../detect/rows.ts';
import type { RoiTargets } from '../detect/targets.ts';
import { programFlops } from '../graph/flops.ts';
import { IMAGENET } from '../image/normalise.ts';
import type { NamedTensor } from '../io/dtypes.ts';
import { adamw } from '../optim/adamw.ts';
import { detectorPrograms } from '../programs/detect.ts';
import { type Rng, rng } from '../random/rng.ts';
import { joined } from '../run/joined.ts';
import { anchorInputs, type Lesson, roiInputs as proposedInputs } from '../run/learn-boxes.ts';
import { detectionPlan } from '../run/setup-detect.ts';
import { type BenchStep, noise } from './step.ts';

/** The recipes whose step is measured: that of `shapes` is `shapes-micro-mask-rcnn`. */
export type BenchDetector = 'shapes' | 'nuclei';
export const benchDetectors: readonly BenchDetector[] = ['shapes', 'nuclei'];

const { mean, std } = IMAGENET;
const KEY = [7, 0] as const;

/**
 * A step of detection with the sizes and counts of a recipe, on noise with the boxes and masks of drawn shapes. In its middle all the work of the
 * host is done with the boxes that the network proposes; the heads then learn from boxes that stay the same, so that losses can be compared with
 * those of another library.
 * @param batch default: the recipe's
 */
export function detectStep(name: BenchDetector, batch?: number): BenchStep {
  const config = resolveDetectConfig({ recipe: `${name}-micro-mask-rcnn` });
  const model = detectorConfig(config, SHAPES.length - 1);
  const images = batch ?? config.training.batchSize;
  const { gradients, midway, parameters, specs } = detectorPrograms({
    ...{ model, mean, std, batch: images, rois: config.training.rois },
    training: { ...config.training, dropPath: 0 },
  });
  const plan = detectionPlan(model, config.training);
  const lessons = Array.from({ length: images }, (_, i): Lesson => {
    const stream = rng(5, i);
    return { objects: objectsOf(stream, model.image[0]), rng: stream };
  });
  const fixed = lessons.map(({ objects, rng }) => fixedRois(plan, objects, rng));
  const rois = together(fixed.map((learned) => roiInputs(plan, learned)));
  return {
    plan: { gradients, midway, parameters, rule: adamw({ beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }) },
    inputs: {
      view: noise(images, model.image),
      ...together(lessons.map(({ objects }) => inputsOf({ plan, objects, key: KEY }))),
    },
    async complete(proposed) {
      await Promise.all([anchorInputs(plan, lessons), proposedInputs(plan, lessons, proposed)]);
      return rois;
    },
    specs,
    model,
    images,
    flops: programFlops(gradients),
    peer: { config: plan, tensors: peerTensors(lessons, fixed, (2 * plan.bins.masks) ** 2) },
  };
}

function objectsOf(stream: Rng, side: number): Objects {
  const { shapes } = drawShapes(stream, side);
  return {
    boxes: Float64Array.from(shapes.flatMap(({ box }) => box)),
    classes: shapes.map((shape) => shape.class - 1),
    masks: shapes.map(({ mask }) => encodeRle(mask, [side, side])),
  };
}

/** Boxes that the heads learn from if anchors near objects are proposed, moved most of the way. */
function fixedRois(plan: DetectionPlan, objects: Objects, stream: Rng): RoiTargets {
  const anchors = allOf(plan.levels.map(anchorsOf));
  const { object, overlap } = matched(anchors, objects.boxes);
  const objectness = Float32Array.from(overlap, (share) => share + 0.2 * stream.normal());
  const whole = encode(anchors, chosen(objects.boxes, object), PROPOSAL_SCALE);
  const deltas = Float32Array.from(whole, (delta, i) =>
    overlap[i >> 2]! > 0.3 ? stream.uniform(0.5, 1) * delta : 0,
  );
  return chooseRois({ plan, objects, key: KEY, proposed: { objectness, deltas } });
}

const together = (images: readonly ReturnType<typeof inputsOf>[]): BenchStep['inputs'] =>
  Object.fromEntries(
    Object.keys(images[0]!).map((name) => [name, joined(images.map((image) => image[name]!))]),
  );

/**
 * Objects, and the boxes that the heads learn from, image after image: `*.image` is the number of its image.
 * @param area pixels of a mask that is learned
 */
function peerTensors(
  lessons: readonly Lesson[],
  fixed: readonly RoiTargets[],
  area: number,
): Map<string, NamedTensor> {
  const objects = lessons.map((lesson) => lesson.objects);
  const f32 = (values: readonly number[], width: number): NamedTensor => ({
    dtype: 'F32',
    shape: [values.length / width, width],
    data: Float32Array.from(values),
  });
  const i32 = (values: readonly number[], shape: readonly number[] = [values.length]): NamedTensor => ({
    dtype: 'I32',
    shape,
    data: Int32Array.from(values),
  });
  const real = fixed.map(({ classes }) => [...classes].filter((number) => number >= 0));
  const masks = objects.flatMap((each) => each.masks!.map((mask) => [...decodeRle(mask!)]));
  const side = Math.sqrt(masks[0]!.length);
  const targets = fixed.flatMap(({ masks, withObject }) => [...masks.subarray(0, withObject * area)]);
  return new Map<string, NamedTensor>([
    [
      'objects.boxes',
      f32(
        objects.flatMap(({ boxes }) => [...boxes]),
        4,
      ),
    ],
    ['objects.image', i32(objects.flatMap(({ classes }, i) => Array.from(classes, () => i)))],
    ['objects.masks', i32(masks.flat(), [masks.length, side, side])],
    [
      'rois.boxes',
      f32(
        fixed.flatMap(({ boxes }) => [...boxes]),
        4,
      ),
    ],
    ['rois.image', i32(real.flatMap((classes, i) => classes.map(() => i)))],
    ['rois.classes', i32(real.flat())],
    [
      'rois.deltas',
      f32(
        fixed.flatMap(({ deltas }, i) => [...deltas.subarray(0, 4 * real[i]!.length)]),
        4,
      ),
    ],
    ['rois.masks', i32(targets, [targets.length / area, Math.sqrt(area), Math.sqrt(area)])],
  ]);
}
