import { sizeOf } from '../graph/index.ts';
import { type Rng, rng } from '../random/rng.ts';
import type { Init, LayerParameter } from './parameters.ts';

const SIGMA = 0.02;

/**
 * Initial values of a model's tensors. Each tensor has a random stream named by (seed, tensor name), so its values do
 * not depend on the other tensors.
 */
export function initialise(specs: readonly LayerParameter[], seed: number): Record<string, Float32Array> {
  return Object.fromEntries(
    specs.map(({ name, shape, init }) => [name, start(init, sizeOf(shape), rng(seed, 'init', name))]),
  );
}

function start(init: Init, size: number, stream: Rng): Float32Array {
  switch (init.kind) {
    case 'truncatedNormal':
      return fill(size, () => (init.std ?? SIGMA) * withinOneSigma(stream));
    case 'uniform':
      return fill(size, () => stream.uniform(-init.bound, init.bound));
    case 'table':
      return init.values();
    default:
      return new Float32Array(size).fill(init.kind === 'ones' ? 1 : 0);
  }
}

/** Φ(1) − ½ */
const HALF_MASS = 0.3413447460685429;

/** A standard normal number truncated at ±1, by the inverse of the cumulative function. */
function withinOneSigma(stream: Rng): number {
  return normalQuantile(HALF_MASS * (stream.uint32() * 2 ** -31 - 1));
}

/** x with Φ(x) = ½ + q for |q| ≤ 0.425, to 7 digits (Wichura, algorithm AS 241, PPND7, Applied Statistics 37, 1988). */
function normalQuantile(q: number): number {
  const r = 0.180625 - q * q;
  const above = ((59.10937472 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179;
  const below = ((67.1875636 * r + 78.757757664) * r + 17.895169469) * r + 1;
  return (q * above) / below;
}

function fill(size: number, next: () => number): Float32Array {
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = next();
  return values;
}
