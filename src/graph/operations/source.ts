import {
  apply,
  type DType,
  defineOperation,
  refuse,
  type Shape,
  sizeOf,
  type Tensor,
  type TensorData,
} from '../tensor.ts';

export const inputOperation = defineOperation({
  name: 'input',
  infer: (_, { shape, dtype }) => [{ shape, dtype }],
  vjp: () => [],
});

export const constantOperation = defineOperation({
  name: 'constant',
  infer: (_, { shape, dtype }) => [{ shape, dtype }],
  vjp: () => [],
});

/** A value given when the program runs. Shapes are static. */
export function input(name: string, shape: Shape, dtype: DType = 'f32'): Tensor {
  if (shape.some((side) => !Number.isInteger(side) || side < 0))
    refuse('input', 'sides must be whole and not negative', `"${name}" [${shape.join(', ')}]`);
  return apply(inputOperation, [], { name, shape, dtype });
}

/** Name of an input. */
export function inputName(tensor: Tensor): string {
  return tensor.node.attributes.name;
}

/** A value known when the graph is built: a number is a scalar, an array needs its shape. */
export function constant(value: number | TensorData, shape: Shape = []): Tensor {
  const data = typeof value === 'number' ? Float32Array.of(value) : value;
  if (data.length !== sizeOf(shape))
    refuse('constant', `[${shape.join(', ')}] holds ${sizeOf(shape)} values`, `${data.length}`);
  const dtype: DType = data instanceof Float32Array ? 'f32' : data instanceof Int32Array ? 'i32' : 'u8';
  return apply(constantOperation, [], { data, shape, dtype });
}

/** Values of a constant, or undefined for any other tensor. */
export function constantData(tensor: Tensor): TensorData | undefined {
  return tensor.node.operation === constantOperation ? tensor.node.attributes.data : undefined;
}
