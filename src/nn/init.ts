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

/** Φ(1) − ½ */
const HALF_MASS = 0.3413447460685429;

/** A standard normal number cut at ±1, by the inverse of its cumulative function. */
function withinOneSigma(stream: Rng): number {
  return normalQuantile(HALF_MASS * (stream.uint32() * 2 ** -31 - 1));
}

const ABOVE = [
  2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946,
  1971.5909503065513, 133.14166789178438, 3.3871328727963665,
];
const BELOW = [
  5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751,
  687.1870074920579, 42.31333070160091, 1,
];

/** x with Φ(x) = ½ + q for |q| ≤ 0.425, to 16 digits (Wichura, algorithm AS 241, Applied Statistics 37, 1988). */
function normalQuantile(q: number): number {
  const r = 0.180625 - q * q;
  return (q * polynomial(ABOVE, r)) / polynomial(BELOW, r);
}

function polynomial(coefficients: readonly number[], x: number): number {
  let value = 0;
  for (const coefficient of coefficients) value = value * x + coefficient;
  return value;
}

function fill(size: number, next: () => number): Float32Array {
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = next();
  return values;
}
