import { mul, square } from '../operations/elementwise.ts';
import { sum } from '../operations/sum.ts';
import { defineComposite, type One } from '../signatures.ts';
import { apply, refuse, requireFloat, type Tensor } from '../tensor.ts';

const sumOfSquaresOperation = defineComposite<'sumOfSquares', One>({
  name: 'sumOfSquares',
  role: 'reduce',
  infer: (inputs) => {
    requireFloat('sumOfSquares', inputs);
    const [x] = inputs;
    if (x.shape.length === 0) refuse('sumOfSquares', 'x must have an axis', inputs);
    return [{ shape: [...x.shape.slice(0, -1), 1], dtype: 'f32' }];
  },
  // One product. The rule of `mul` would make two and add them.
  vjp: ({ inputs: [x] }, [dy]) => [mul(x, mul(dy, 2))],
  decompose: (_, [x]) => [sum(square(x), [x.shape.length - 1])],
});

/** Σ x² over the last axis, kept as an axis of side 1. */
export function sumOfSquares(x: Tensor): Tensor {
  return apply(sumOfSquaresOperation, [x]);
}
