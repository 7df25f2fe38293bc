import { mul, sub } from '../operations/elementwise.ts';
import { reshape } from '../operations/shape.ts';
import { sum } from '../operations/sum.ts';
import { defineComposite, type One } from '../signatures.ts';
import { apply, refuse, requireFloat, sameShape, type Tensor } from '../tensor.ts';
import { logSoftmax, softmax } from './softmax.ts';

const crossEntropyOperation = defineComposite<'crossEntropy', One>({
  name: 'crossEntropy',
  role: 'reduce',
  infer: (inputs) => {
    requireFloat('crossEntropy', inputs);
    const [logits, targets] = inputs;
    if (logits.shape.length !== 2 || !logits.shape[1] || !sameShape(logits.shape, targets.shape))
      refuse('crossEntropy', 'logits and targets [B, K] must fit', inputs);
    return [{ shape: [logits.shape[0]!], dtype: 'f32' }];
  },
  vjp: ({ inputs: [logits, targets] }, [dy]) => {
    const column = reshape(dy, [-1, 1]);
    // The slope is softmax − target only for targets that sum to 1.
    const slope = sub(mul(softmax(logits), sum(targets, [1])), targets);
    return [mul(column, slope), mul(column, sub(0, logSoftmax(logits)))];
  },
  decompose: (_, [logits, targets]) => {
    const losses = sum(mul(targets, logSoftmax(logits)), [1]);
    return [reshape(sub(0, losses), [-1])];
  },
});

/** Cross-entropy −Σ target · log softmax(logits) of each image: [B, K] and [B, K] → [B]. Targets may be soft. */
export function crossEntropy(logits: Tensor, targets: Tensor): Tensor {
  return apply(crossEntropyOperation, [logits, targets]);
}
