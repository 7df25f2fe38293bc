import type { Size } from '../image/size.ts';
import { rng } from '../random/rng.ts';
import { anchorsOf, type Level } from './anchors.ts';
import type { Objects } from './objects.ts';
import { type ProposalCounts, proposalsOf } from './proposals.ts';
import { roiMatrices } from './roi-align.ts';
import { allOf, type Boxes } from './rows.ts';
import type { SampleCounts } from './sample.ts';
import { anchorTargets, type RoiTargets, roiTargets } from './targets.ts';

/** Sizes and counts of the host's part in training a detector. */
export interface DetectionPlan {
  readonly image: Size;
  /** The maps over which anchors lie; the heads read from all but the last. */
  readonly levels: readonly Level[];
  readonly classes: number;
  /** Anchors of an image that region proposals learn from. */
  readonly anchors: number;
  readonly proposals: ProposalCounts;
  /** Boxes for the heads. */
  readonly rois: SampleCounts;
  /** Values along each side that the heads read of a box; a mask has twice as many pixels. Masks: 0 where none are learned. */
  readonly bins: { readonly boxes: number; readonly masks: number };
}

/** Samples of a bin of ROI align: one for each place that it covers. */
export const SAMPLING = 0;

/** Two numbers that name a random stream: they can be posted to a thread. */
export type StreamKey = readonly [number, number];

/** Inputs of one image by their names in the program. */
export type ImageInputs = Record<string, Float32Array | Uint8Array>;

/** The lesson of one image. A thread can be given it. */
export interface LearnJob {
  readonly plan: DetectionPlan;
  readonly objects: Objects;
  readonly key: StreamKey;
  /** The network's outputs for all anchors, [N] and [N, 4]: with them the inputs are those of the heads, else those of region proposals. */
  readonly proposed?: { readonly objectness: Float32Array; readonly deltas: Float32Array };
}

export function inputsOf({ proposed, ...job }: LearnJob): ImageInputs {
  const { plan, objects, key } = job;
  return proposed ? roiInputs(plan, chooseRois({ ...job, proposed })) : anchorInputs(plan, objects, key);
}

/** Labels and deltas of an image's anchors: no weights are needed for them. */
function anchorInputs(plan: DetectionPlan, objects: Objects, key: StreamKey): ImageInputs {
  const anchors = allOf(plan.levels.map(anchorsOf));
  const { labels, deltas } = anchorTargets(anchors, objects, rng(...key), plan.anchors);
  return { 'anchors:labels': labels, 'anchors:deltas': deltas };
}

/** The boxes that the heads learn from, some of the network's proposals. */
export function chooseRois({ plan, objects, key, proposed }: Required<LearnJob>): RoiTargets {
  const { levels, image, classes: background, rois, bins } = plan;
  const { boxes } = proposalsOf(levels, image, proposed.objectness, proposed.deltas, plan.proposals);
  return roiTargets(boxes, objects, rng(...key), { ...rois, background, side: 2 * bins.masks });
}

/** Classes, deltas and masks of boxes, and the matrices that read them. */
export function roiInputs({ levels, rois, bins }: DetectionPlan, learned: RoiTargets): ImageInputs {
  const { boxes, classes, withObject } = learned;
  const read = levels.slice(0, -1);
  const matrices = (of: Boxes, count: number, each: number) =>
    roiMatrices(of, read, { count, bins: each, sampling: SAMPLING });
  return {
    'rois:classes': classes,
    'rois:deltas': learned.deltas,
    ...namedMatrices('rois', matrices(boxes, rois.count, bins.boxes)),
    ...(bins.masks > 0 && {
      'masks:targets': learned.masks,
      ...namedMatrices('masks', matrices(boxes.subarray(0, 4 * withObject), rois.objects, bins.masks)),
    }),
  };
}

/** Matrices of each map by the names of a program's inputs. */
export function namedMatrices(
  name: string,
  matrices: readonly { readonly rows: Float32Array; readonly columns: Float32Array }[],
): ImageInputs {
  return Object.fromEntries(
    matrices.flatMap(({ rows, columns }, i) => [
      [`${name}:rows:${i}`, rows],
      [`${name}:columns:${i}`, columns],
    ]),
  );
}
