import { expect, it } from 'vitest';
import { resolveDetectConfig } from '../src/config/detect-recipes.ts';
import { BrokenImages } from '../src/data/load/broken.ts';
import type { Dataset } from '../src/data/sources/dataset.ts';
import { encodeRle } from '../src/detect/rle.ts';
import { openOnnxEngine } from '../src/engines/onnx/engine.ts';
import { evaluateDetection } from '../src/evaluate/detection/evaluate-detection.ts';
import { detectorParameters } from '../src/models/detector.ts';
import { initialise } from '../src/nn/init.ts';
import { trainingPlan } from '../src/programs/plan.ts';
import { type Rng, rng } from '../src/random/rng.ts';
import { setUpDetector } from '../src/run/setup-detect.ts';
import { seed } from './support/random.ts';

const SIDE = 32;
const IMAGES = 3;
const COLOURS = [
  [220, 40, 40],
  [40, 60, 220],
] as const;

/** Discs and boxes, one class each, on noise; with masks. */
function pictures(random: Rng): Dataset {
  const made = Array.from({ length: IMAGES }, () => picture(random));
  return {
    ...{ name: 'pictures', length: IMAGES, contentKey: 'pictures' },
    id: (index) => `${index}`,
    image: (index) => ({ width: SIDE, height: SIDE, channels: 3, data: made[index]!.data }),
    boxes: { classes: ['disc', 'box'], of: (index) => made[index]!.objects },
  };
}

function picture(random: Rng) {
  const data = Uint8Array.from({ length: 3 * SIDE * SIDE }, () => 110 + random.int(30));
  // One object in each half.
  const objects = [0, 1].map((half) => {
    const of = random.int(2);
    const side = 9 + random.int(6);
    const [x, y] = [half * 16 + random.int(16 - side), random.int(SIDE - side)];
    const mask = new Uint8Array(SIDE * SIDE);
    for (let i = 0; i < SIDE * SIDE; i++) {
      const [u, v] = [(i % SIDE) + 0.5 - x, Math.floor(i / SIDE) + 0.5 - y];
      const inside =
        of === 1
          ? u > 0 && v > 0 && u < side && v < side
          : (u - side / 2) ** 2 + (v - side / 2) ** 2 < (side / 2) ** 2;
      if (!inside) continue;
      mask[i] = 1;
      data.set(COLOURS[of]!, 3 * i);
    }
    const { size, counts } = encodeRle(mask, [SIDE, SIDE]);
    return {
      box: [x, y, x + side, y + side] as const,
      class: of,
      segmentation: { size, counts: [...counts] },
    };
  });
  return { data, objects };
}

it('an overfitted batch is found again, boxes and masks', async () => {
  const dataset = pictures(rng(seed, 'pictures'));
  const config = resolveDetectConfig({
    seed,
    data: {
      classes: [
        { name: 'disc', id: 1 },
        { name: 'box', id: 2 },
      ],
      scale: [1, 1],
      flip: 0,
    },
    model: {
      ...{ image: [SIDE, SIDE], patch: 4, width: 32, depth: 2, heads: 2, positions: 'sincos2d', window: 5 },
      ...{ globalBlocks: [1], relativePositions: true },
      head: { channels: 24, scales: [2, 1, 0.5], convolutions: 1, hidden: 64 },
    },
    training: {
      ...{ batchSize: IMAGES, epochs: 300, warmupEpochs: 5, dropPath: 0, layerDecay: 1, weightDecay: 0 },
      ...{ proposals: 40, rois: 16 },
    },
    evaluation: { proposals: 40, detections: 10 },
  });
  const setup = setUpDetector(config);
  const { gradients, parameters, midway } = setup.programs(IMAGES);
  const plan = trainingPlan({ ...config.training, clip: 1 }, gradients, parameters, undefined, midway);
  const engine = await openOnnxEngine({ threads: 2 });
  const first = detectorParameters({ ...setup.model, positions: config.model.positions });
  const session = await engine.open(initialise(first, seed));
  const views = setup.trainingViews(dataset, { batchSize: IMAGES, cursor: { epoch: 0, position: 0 } });
  try {
    for (let step = 0; step < 200; step++) {
      const batch = (await views.next()).value!;
      const lr = 4e-3 * Math.min(1, (step + 1) / 20) * (step < 150 ? 1 : 0.2);
      await session.step(plan, [await setup.inputs(batch)], { step, lr }, (values, part) =>
        setup.complete(batch, values, part),
      );
    }
    const { proposals, detections, leastScore } = config.evaluation;
    const scores = await evaluateDetection(dataset, {
      ...{ model: setup.model, batch: 2, normalisation: setup.normalisation, broken: new BrokenImages() },
      ...{ programs: setup.predict(2, false), proposals, detections, leastScore },
      run: (program, inputs) => session.run(program, inputs),
    });
    expect(scores.boxes.AP50, `seed ${seed}`).toBeGreaterThan(0.95);
    expect(scores.masks!.AP50, `seed ${seed}`).toBeGreaterThan(0.95);
    expect(scores.proposalRecall, `seed ${seed}`).toBeGreaterThan(0.2);
  } finally {
    await views.dispose();
    await session.dispose();
  }
}, 300_000);
