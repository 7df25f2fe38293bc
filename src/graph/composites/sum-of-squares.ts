import { apply, defineOperation, mul, requireFloat, square, sum, type Tensor } from '../graph/index.ts';

const sumOfSquaresOperation = defineOperation({
  name: 'sumOfSquares',
  infer: (inputs) => {
    requireFloat('sumOfSquares', inputs);
    return [{ shape: [...inputs[0]!.shape.slice(0, -1), 1], dtype: 'f32' }];
  },
  // One pass, where the rule of a product would take two and add them up.
  vjp: ({ inputs: [x] }, [dy]) => [mul(x!, mul(dy!, 2))],
  decompose: (_, [x]) => [sum(square(x!), [x!.shape.length - 1])],
});

/** Σ x² over the last axis, which keeps side 1. */
export function sumOfSquares(x: Tensor): Tensor {
  return apply(sumOfSquaresOperation, [x]);
}
