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

/** A value that the caller of the program supplies. Shapes are static. */
export function input(name: string, shape: Shape, dtype: DType = 'f32'): Tensor {
  return apply(inputOperation, [], { name, shape, dtype });
}

export function inputName(tensor: Tensor): string {
  return tensor.node.attributes.name;
}

/**
 * A value known at build time. A number is an f32 scalar (its float64 value is kept too); an array needs its shape.
 */
export function constant(value: number | TensorData, shape: Shape = []): Tensor {
  const exact = typeof value === 'number' ? value : undefined;
  const data = typeof value === 'number' ? Float32Array.of(value) : value;
  if (data.length !== sizeOf(shape))
    refuse('constant', `[${shape.join(', ')}] holds ${plural(sizeOf(shape), 'value')}`, `${data.length}`);
  return apply(constantOperation, [], { data, exact, shape, dtype: dtypeOf(data) });
}

/** Values of a constant; undefined for any other tensor. */
export function constantData(tensor: Tensor): TensorData | undefined {
  return tensor.node.operation === constantOperation ? tensor.node.attributes.data : undefined;
}

/** True if the tensor depends on constants alone. */
export function fromConstants({ node: { operation, inputs } }: Tensor): boolean {
  return operation === constantOperation || (inputs.length > 0 && inputs.every(fromConstants));
}

export function zeros(shape: Shape): Tensor {
  return constant(new Float32Array(sizeOf(shape)), shape);
}
