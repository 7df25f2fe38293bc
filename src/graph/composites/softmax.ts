import { div, exp, log, mul, sub } from '../operations/elementwise.ts';
import { max } from '../operations/reduce.ts';
import { sum } from '../operations/sum.ts';
import { defineComposite, type One } from '../signatures.ts';
import { apply, refuse, requireFloat, type Tensor } from '../tensor.ts';

const softmaxOperation = defineComposite<'softmax', One>({
  name: 'softmax',
  role: 'norm',
  infer: (inputs) => {
    requireFloat('softmax', inputs);
    if (!inputs[0].shape.at(-1)) refuse('softmax', 'the last axis must not be empty', inputs);
    return inputs;
  },
  // dx = y ∘ (dy − Σ dy ∘ y)
  vjp: ({ outputs: [y] }, [dy]) => [mul(y, sub(dy, sum(mul(dy, y), last(y))))],
  decompose: (_, [x]) => {
    const e = exp(sub(x, max(x, last(x))));
    return [div(e, sum(e, last(x)))];
  },
});

const logSoftmaxOperation = defineComposite<'logSoftmax', One>({
  name: 'logSoftmax',
  role: 'norm',
  infer: (inputs) => {
    requireFloat('logSoftmax', inputs);
    if (!inputs[0].shape.at(-1)) refuse('logSoftmax', 'the last axis must not be empty', inputs);
    return inputs;
  },
  // dx = dy − exp(y) · Σ dy
  vjp: ({ outputs: [y] }, [dy]) => [sub(dy, mul(exp(y), sum(dy, last(y))))],
  // Subtracts the maximum first, so that nothing overflows.
  decompose: (_, [x]) => {
    const centred = sub(x, max(x, last(x)));
    return [sub(centred, log(sum(exp(centred), last(x))))];
  },
});

const last = (x: Tensor) => [x.shape.length - 1];

/** exp(x) / Σ exp(x) over the last axis. */
export function softmax(x: Tensor): Tensor {
  return apply(softmaxOperation, [x]);
}

/** x − log Σ exp(x) over the last axis. */
export function logSoftmax(x: Tensor): Tensor {
  return apply(logSoftmaxOperation, [x]);
}
