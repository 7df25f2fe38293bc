import { maximum, mul, sign } from '../operations/elementwise.ts';
import { defineComposite, type One } from '../signatures.ts';
import { apply, refuse, requireFloat, sameShape, type Tensor } from '../tensor.ts';

const reluOperation = defineComposite<'relu', One>({
  name: 'relu',
  role: 'activation',
  infer: (inputs) => {
    requireFloat('relu', inputs);
    return inputs;
  },
  // From the result: the next layer keeps it anyway.
  vjp: ({ outputs: [y] }, [dy]) => [apply(reluGradOperation, [y, dy])],
  decompose: (_, [x]) => [maximum(x, 0)],
});

/** Inputs: y = relu(x), dy. */
const reluGradOperation = defineComposite<'reluGrad', One>({
  name: 'reluGrad',
  role: 'activation',
  infer: (inputs) => {
    requireFloat('reluGrad', inputs);
    const [y, dy] = inputs;
    if (!sameShape(y.shape, dy.shape)) refuse('reluGrad', 'y and dy must have one shape', inputs);
    return [y];
  },
  vjp: null,
  decompose: (_, [y, dy]) => [mul(dy, sign(y))],
});

/** max(x, 0). Its gradient at 0 is 0, as in PyTorch. */
export function relu(x: Tensor): Tensor {
  return apply(reluOperation, [x]);
}
