import { add } from '../operations/elementwise.ts';
import { matmul } from '../operations/matmul.ts';
import { reshape } from '../operations/shape.ts';
import { defineComposite, type One } from '../signatures.ts';
import { apply, refuse, requireFloat, sameShape, type Tensor } from '../tensor.ts';

const linearOperation = defineComposite<'linear', One>({
  name: 'linear',
  role: 'product',
  infer: (inputs) => {
    requireFloat('linear', inputs);
    const [x, weight, bias] = inputs;
    const [out, width] = weight.shape;
    if (
      x.shape.length !== 2 ||
      weight.shape.length !== 2 ||
      x.shape[1] !== width ||
      (bias && !sameShape(bias.shape, [out!]))
    )
      refuse('linear', 'x [M, in], weight [out, in] and bias [out] must fit', inputs);
    return [{ shape: [x.shape[0]!, out!], dtype: 'f32' }];
  },
  vjp: null,
  decompose: (_, [x, weight, bias]) => {
    const y = matmul(x, weight, { transposeB: true });
    return [bias ? add(y, bias) : y];
  },
});

/** x · weightᵀ + bias over the last axis: [..., in] → [..., out]; weight [out, in], optional bias [out]. */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const rows = reshape(x, [-1, x.shape.at(-1)!]);
  const y = apply(linearOperation, bias ? [rows, weight, bias] : [rows, weight]);
  return reshape(y, [...x.shape.slice(0, -1), weight.shape[0]!]);
}
