import { sizeOf } from '../graph/index.ts';
import { type Rng, rng } from '../random/rng.ts';
import type { Init, ParameterSpec } from './parameters.ts';

const SIGMA = 0.02;

/**
 * The first values of a model's tensors. Each has a stream of its own, named by (seed, its name): it does not matter
 * which others there are.
 */
export function initialise(specs: readonly ParameterSpec[], seed: number): Record<string, Float32Array> {
  return Object.fromEntries(
    specs.map(({ name, shape, init }) => [name, start(init, sizeOf(shape), rng(seed, 'init', name))]),
  );
}

function start(init: Init, size: number, stream: Rng): Float32Array {
  switch (init.kind) {
    case 'truncatedNormal':
      return fill(size, () => SIGMA * withinOneSigma(stream));
    case 'uniform':
      return fill(size, () => stream.uniform(-init.bound, init.bound));
    case 'table':
      return init.values();
    default:
      return new Float32Array(size).fill(init.kind === 'ones' ? 1 : 0);
  }
}

/** A standard normal number that lies in [−1, 1], by rejection from uniform ones. */
function withinOneSigma(stream: Rng): number {
  for (;;) {
    const x = stream.uint32() * 2 ** -31 - 1;
    const height = stream.uint32() * 2 ** -32;
    // 1 − x²/2 lies below exp(−x²/2) and is mostly enough to know.
    const below = 1 - (x * x) / 2;
    if (height < below || height < Math.exp(below - 1)) return x;
  }
}

function fill(size: number, next: () => number): Float32Array {
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = next();
  return values;
}
