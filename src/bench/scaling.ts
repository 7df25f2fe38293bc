import { type Config, parseConfig } from '../config/schema.ts';
import type { Values } from '../graph/index.ts';
import { type AutoencoderConfig, autoencoderParameters } from '../models/autoencoder.ts';
import { modelConfig } from '../models/sizes.ts';
import { initialise } from '../nn/init.ts';
import { openEngine } from '../train/engine.ts';
import { renderOverlay } from '../visualize/overlay.ts';
import { median } from './machine.ts';
import { LEARNING_RATE } from './measure.ts';
import { pretrainStep } from './step.ts';

/** A step of one size. */
export interface ScalingPoint {
  /** What was varied. */
  readonly axis: string;
  /** Its value. */
  readonly value: number;
  readonly stepSeconds: number;
  /** Multiplications and additions of the model's products. */
  readonly flops: number;
}

const [WARM_UP, STEPS] = [2, 5];
const BATCH = 32;
/** Large enough that products count, small enough for a minute. */
const model: AutoencoderConfig = modelConfig('micro', {
  width: 192,
  depth: 4,
  heads: 3,
  decoder: { width: 96, depth: 2, heads: 3 },
  image: [64, 64],
  patch: 8,
});

const axes: Readonly<Record<string, readonly (readonly [number, number, AutoencoderConfig])[]>> = {
  'batch size': [16, 32, 64, 128].map((batch) => [batch, batch, model]),
  'image side': [64, 96, 128].map((side) => [side, BATCH, { ...model, image: [side, side] }]),
  depth: [4, 8, 12].map((depth) => [depth, BATCH, { ...model, depth }]),
  width: [192, 256, 384].map((width) => [width, BATCH, { ...model, width, heads: width / 64 }]),
};

/**
 * One panel for each setting: seconds of a step over the multiplications and additions (10⁹) of its products, as SVG. On a
 * straight line, time grows as work does.
 */
export function scalingPlot(points: readonly ScalingPoint[]): string {
  const panels = [...new Set(points.map(({ axis }) => axis))].map((axis) => {
    const own = points.filter((point) => point.axis === axis);
    const line = own.map(({ flops, stepSeconds }) => ({ x: flops / 1e9, y: stepSeconds }));
    return { title: `${axis} ${own.map(({ value }) => value).join(', ')}: seconds by GFLOP`, curves: [line] };
  });
  return renderOverlay(['step'], panels);
}

/** Times of masked pre-training steps of a small model, one setting varied at a time; medians of five steps. */
export async function scaling(
  engine: Partial<Config['engine']> = {},
  onProgress?: (what: string, done: number, total: number) => void,
): Promise<ScalingPoint[]> {
  const backend = await openEngine(parseConfig({ engine }).engine);
  const points: ScalingPoint[] = [];
  const all = Object.entries(axes).flatMap(([axis, sizes]) => sizes.map((size) => ({ axis, size })));
  for (const [i, { axis, size }] of all.entries()) {
    const [value, batch, config] = size;
    const step = pretrainStep(config, 'masked', batch);
    const weights: Values = initialise(autoencoderParameters(config), 1);
    const session = await backend.open(weights);
    const seconds: number[] = [];
    for (let at = 0; at < WARM_UP + STEPS; at++) {
      const start = performance.now();
      await session.step(step.plan, [step.inputs], { step: at, lr: LEARNING_RATE });
      if (at >= WARM_UP) seconds.push((performance.now() - start) / 1000);
    }
    await session.dispose();
    points.push({ axis, value, stepSeconds: median(seconds), flops: step.flops });
    onProgress?.('sizes', i + 1, all.length);
  }
  return points;
}
