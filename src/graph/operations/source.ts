import { plural } from '../../text/plural.ts';
import {
  apply,
  type DType,
  defineOperation,
  dtypeOf,
  refuse,
  type Shape,
  sizeOf,
  type Tensor,
  type TensorData,
} from '../tensor.ts';

export const inputOperation = defineOperation({
  name: 'input',
  role: 'source',
  infer: (_, { shape, dtype }) => [{ shape, dtype }],
  vjp: () => [],
});

export const constantOperation = defineOperation({
  name: 'constant',
  role: 'source',
  infer: (_, { shape, dtype }) => [{ shape, dtype }],
  vjp: () => [],
});

/** A value given when the program runs. Shapes are static. */
export function input(name: string, shape: Shape, dtype: DType = 'f32'): Tensor {
  return apply(inputOperation, [], { name, shape, dtype });
}

/** Name of an input. */
export function inputName(tensor: Tensor): string {
  return tensor.node.attributes.name;
}

/** A value known when the graph is built: a number is a scalar of float32 (and kept as it is beside), an array needs its shape. */
export function constant(value: number | TensorData, shape: Shape = []): Tensor {
  const exact = typeof value === 'number' ? value : undefined;
  const data = typeof value === 'number' ? Float32Array.of(value) : value;
  if (data.length !== sizeOf(shape))
    refuse('constant', `[${shape.join(', ')}] holds ${plural(sizeOf(shape), 'value')}`, `${data.length}`);
  return apply(constantOperation, [], { data, exact, shape, dtype: dtypeOf(data) });
}

/** Values of a constant, or undefined for any other tensor. */
export function constantData(tensor: Tensor): TensorData | undefined {
  return tensor.node.operation === constantOperation ? tensor.node.attributes.data : undefined;
}

/** Whether a tensor is computed from constants alone. */
export function fromConstants({ node: { operation, inputs } }: Tensor): boolean {
  return operation === constantOperation || (inputs.length > 0 && inputs.every(fromConstants));
}

/** A constant of zeros. */
export function zeros(shape: Shape): Tensor {
  return constant(new Float32Array(sizeOf(shape)), shape);
}
