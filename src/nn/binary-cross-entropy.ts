import { abs, add, exp, log, maximum, mul, sub, type Tensor } from '../graph/index.ts';

/** The cross-entropy of two classes, value by value: −t · log σ(x) − (1 − t) · log(1 − σ(x)), without overflow. */
export function binaryCrossEntropy(logits: Tensor, targets: Tensor): Tensor {
  const rest = log(add(1, exp(sub(0, abs(logits)))));
  return add(sub(maximum(logits, 0), mul(logits, targets)), rest);
}
