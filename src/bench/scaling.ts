import type { EngineInput } from '../config/engine.ts';
import { parseConfig } from '../config/schema.ts';
import type { Session } from '../engines/engine.ts';
import { autoencoderParameters } from '../models/autoencoder.ts';
import type { AutoencoderConfig } from '../models/config.ts';
import { modelConfig } from '../models/sizes.ts';
import { initialise } from '../nn/init.ts';
import { openEngine } from '../run/engine.ts';
import { renderOverlay } from '../visualize/overlay.ts';
import { median } from './machine.ts';
import { LEARNING_RATE } from './measure.ts';
import { type BenchStep, pretrainStep } from './step.ts';

/** A step of one size. */
export interface ScalingPoint {
  /** Name of the varied setting. */
  readonly axis: string;
  /** Its value. */
  readonly value: number;
  readonly stepSeconds: number;
  /** Multiplications and additions of the step's products. */
  readonly flops: number;
}

const [WARM_UP, ROUNDS] = [2, 9];
const BATCH = 32;
/** Large enough for products to dominate, small enough for a minute. */
const model: AutoencoderConfig = modelConfig('micro', {
  width: 192,
  depth: 4,
  heads: 3,
  decoder: { width: 96, depth: 2, heads: 3 },
  image: [64, 64],
  patch: 8,
});

/** A size to time. */
interface Size extends Pick<ScalingPoint, 'axis' | 'value'> {
  readonly step: BenchStep;
  readonly session: Session;
  readonly seconds: number[];
}

const axes: Readonly<Record<string, readonly (readonly [number, number, AutoencoderConfig])[]>> = {
  'batch size': [16, 32, 64, 128].map((batch) => [batch, batch, model]),
  'image side': [64, 96, 128].map((side) => [side, BATCH, { ...model, image: [side, side] }]),
  depth: [4, 8, 12].map((depth) => [depth, BATCH, { ...model, depth }]),
  width: [192, 256, 384].map((width) => [width, BATCH, { ...model, width, heads: width / 64 }]),
};

/** Least-squares line of seconds over FLOPs. */
export function straightLine(points: readonly ScalingPoint[]): (flops: number) => number {
  const mean = (of: (point: ScalingPoint) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean(({ flops }) => flops), mean(({ stepSeconds }) => stepSeconds)];
  const slope =
    mean(({ flops, stepSeconds }) => (flops - x) * (stepSeconds - y)) / mean(({ flops }) => (flops - x) ** 2);
  return (flops) => y + slope * (flops - x);
}

/**
 * An SVG plot with one panel per setting: seconds of a step over the multiplications and additions (10⁹) of its
 * products, with the least-squares line. On the line, time grows in proportion to work.
 */
export function scalingPlot(points: readonly ScalingPoint[]): string {
  const panels = [...new Set(points.map(({ axis }) => axis))].map((axis) => {
    const own = points.filter((point) => point.axis === axis);
    const line = straightLine(own);
    const measured = own.map(({ flops, stepSeconds }) => ({ x: flops / 1e9, y: stepSeconds }));
    const straight = [0, Math.max(...own.map(({ flops }) => flops))].map((x) => ({ x: x / 1e9, y: line(x) }));
    return {
      title: `${axis} ${own.map(({ value }) => value).join(', ')}`,
      curves: [measured, straight],
      xLabel: 'GFLOP of a step',
      fromZero: true,
    };
  });
  return renderOverlay(['seconds of a step', 'the nearest straight line'], panels);
}

/**
 * Times masked pre-training steps of a small model, varying one setting at a time. Runs the sizes in turns, so that a
 * change of the machine's speed affects all alike. Medians of nine rounds.
 */
export async function scaling(
  settings: EngineInput = {},
  onProgress?: (what: string, done: number, total: number) => void,
): Promise<ScalingPoint[]> {
  const engine = await openEngine(parseConfig({ engine: settings }).engine);
  const sizes: Size[] = [];
  try {
    for (const [axis, all] of Object.entries(axes))
      for (const [value, batch, config] of all) {
        const session = await engine.open(initialise(autoencoderParameters(config), 1));
        sizes.push({ axis, value, step: pretrainStep(config, 'masked', batch), session, seconds: [] });
      }
    for (let round = 0; round < WARM_UP + ROUNDS; round++) {
      for (const { session, step, seconds } of sizes) {
        const start = performance.now();
        await session.step(step.plan, [step.inputs], { step: round, lr: LEARNING_RATE });
        if (round >= WARM_UP) seconds.push((performance.now() - start) / 1000);
      }
      onProgress?.('rounds', round + 1, WARM_UP + ROUNDS);
    }
  } finally {
    for (const { session } of sizes) await session.dispose();
  }
  return sizes.map(({ axis, value, step, seconds }) => ({
    ...{ axis, value, flops: step.flops },
    stepSeconds: median(seconds),
  }));
}
