import { add, constant, mul, sizeOf, sumAll, type Tensor } from '../../src/graph/index.ts';
import type { Rng } from '../../src/random/rng.ts';

/** A scalar that every value of every float output enters, each with a random weight. */
export function mix(random: Rng, outputs: readonly Tensor[]): Tensor {
  const parts = outputs
    .filter(({ dtype }) => dtype === 'f32')
    .map((output) => {
      const weights = Float32Array.from({ length: sizeOf(output.shape) }, () => random.normal());
      return sumAll(mul(output, constant(weights, output.shape)));
    });
  return parts.reduce(add, constant(0));
}
