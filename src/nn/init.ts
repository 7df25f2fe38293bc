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

/** x with Φ(x) = ½ + q for |q| ≤ 0.425, to 16 digits (Wichura, algorithm AS 241, Applied Statistics 37, 1988). */
function normalQuantile(q: number): number {
  const r = 0.180625 - q * q;
  const above =
    ((((((2.5090809287301226727e3 * r + 3.34305755835881281e4) * r + 6.7265770927008700853e4) * r +
      4.5921953931549871457e4) *
      r +
      1.3731693765509461125e4) *
      r +
      1.9715909503065514427e3) *
      r +
      1.3314166789178437745e2) *
      r +
    3.387132872796366608;
  const below =
    ((((((5.226495278852854561e3 * r + 2.8729085735721942674e4) * r + 3.930789580009271061e4) * r +
      2.1213794301586595867e4) *
      r +
      5.3941960214247511077e3) *
      r +
      6.871870074920579083e2) *
      r +
      4.2313330701600911252e1) *
      r +
    1;
  return (q * above) / below;
}

function fill(size: number, next: () => number): Float32Array {
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = next();
  return values;
}
