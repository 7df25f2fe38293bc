import type { DetectionPlan, ImageInputs, StreamKey } from '../detect/learn.ts';
import type { Objects } from '../detect/objects.ts';
import type { Values } from '../graph/index.ts';
import type { Rng } from '../random/rng.ts';
import { inputsOnThread } from './boxes-on-threads.ts';
import { joined } from './joined.ts';

/** An image whose objects a detector learns, and its random stream. */
export interface Lesson {
  readonly objects: Objects;
  readonly rng: Rng;
}

/** Labels and deltas of the anchors of images: inputs of the gradients' program. */
export async function anchorInputs(plan: DetectionPlan, lessons: readonly Lesson[]): Promise<Values> {
  const made = lessons.map(({ objects: { masks: _, ...objects }, rng }) =>
    inputsOnThread({ plan, objects, key: keyOf(rng, 'anchors') }),
  );
  return together(await Promise.all(made));
}

/**
 * The rest of the inputs: the heads learn from boxes that the network proposes with its present weights.
 * @param proposed `objectness` and `deltas` of the images
 */
export async function roiInputs(
  plan: DetectionPlan,
  lessons: readonly Lesson[],
  proposed: Values,
): Promise<Values> {
  const { objectness, deltas } = proposed as Record<'objectness' | 'deltas', Float32Array>;
  const anchors = objectness.length / lessons.length;
  const made = lessons.map(({ objects, rng }, i) =>
    inputsOnThread({
      ...{ plan, objects, key: keyOf(rng, 'rois') },
      proposed: {
        objectness: objectness.slice(i * anchors, (i + 1) * anchors),
        deltas: deltas.slice(4 * i * anchors, 4 * (i + 1) * anchors),
      },
    }),
  );
  return together(await Promise.all(made));
}

/** A stream of the image's own, named so that it can be posted. */
function keyOf(rng: Rng, name: string): StreamKey {
  const own = rng.derive(name);
  return [own.uint32(), own.uint32()];
}

function together(images: readonly ImageInputs[]): Values {
  const names = Object.keys(images[0]!);
  return Object.fromEntries(names.map((name) => [name, joined(images.map((image) => image[name]!))]));
}
