import { pullback } from '../grad.ts';
import { reshape } from '../operations/shape.ts';
import { zeros } from '../operations/source.ts';
import { defineComposite, type One } from '../signatures.ts';
import { apply, applyAll, type Operation, refuse, requireFloat, sameShape, type Tensor } from '../tensor.ts';
import { gelu } from './gelu.ts';
import { linear } from './linear.ts';

const mlpOperation: Operation = defineComposite<'mlp', One>({
  name: 'mlp',
  role: 'product',
  infer: (inputs) => {
    requireFloat('mlp', inputs);
    const [x, weight1, bias1, weight2, bias2] = inputs;
    const [hidden, width] = weight1.shape as [number, number];
    const fits =
      x.shape.length === 2 &&
      weight1.shape.length === 2 &&
      weight2.shape.length === 2 &&
      x.shape[1] === width &&
      weight2.shape[1] === hidden &&
      sameShape(bias1.shape, [hidden]) &&
      sameShape(bias2.shape, [weight2.shape[0]!]);
    if (!fits)
      refuse(
        'mlp',
        'x [M, in], weights [hidden, in] and [out, hidden], biases [hidden] and [out] must fit',
        inputs,
      );
    return [{ shape: [x.shape[0]!, weight2.shape[0]!], dtype: 'f32' }];
  },
  // A single operation, so that an engine can split the hidden features, forwards and backwards alike.
  vjp: ({ inputs }, [dy]) => applyAll(mlpGradOperation, [...inputs, dy]),
  decompose: (_, [x, weight1, bias1, weight2, bias2]) => [
    linear(gelu(linear(x, weight1, bias1)), weight2, bias2),
  ],
});

/** Gradients of x, the weights and the biases. Inputs: these and dy. */
const mlpGradOperation: Operation = defineComposite<'mlpGrad'>({
  name: 'mlpGrad',
  role: 'product',
  infer: (inputs) => {
    const operands = inputs.slice(0, -1);
    const [y] = mlpOperation.infer(operands, {});
    if (!sameShape(inputs.at(-1)!.shape, y!.shape))
      refuse('mlpGrad', "dy must have the result's shape", inputs);
    return operands;
  },
  vjp: null,
  decompose: (node, inputs) => {
    const operands = inputs.slice(0, -1);
    return mlpGradients(mlpOperation.decompose!(node, operands)[0]!, operands, inputs.at(-1)!);
  },
});

/** The outputs of `mlpGrad` for y = mlp(operands). */
export function mlpGradients(y: Tensor, operands: readonly Tensor[], dy: Tensor): Tensor[] {
  return pullback([y], [dy], operands).map((gradient, i) => gradient ?? zeros(operands[i]!.shape));
}

/**
 * gelu(x · weight1ᵀ + bias1) · weight2ᵀ + bias2 over the last axis: [..., in] → [..., out].
 * @param weight1 [hidden, in]
 * @param weight2 [out, hidden]
 */
export function mlp(x: Tensor, weight1: Tensor, bias1: Tensor, weight2: Tensor, bias2: Tensor): Tensor {
  const rows = reshape(x, [-1, x.shape.at(-1)!]);
  const y = apply(mlpOperation, [rows, weight1, bias1, weight2, bias2]);
  return reshape(y, [...x.shape.slice(0, -1), weight2.shape[0]!]);
}
