import { add, mul, sub } from '../operations/elementwise.ts';
import { matmul } from '../operations/matmul.ts';
import { reshape, transpose } from '../operations/shape.ts';
import { constantData } from '../operations/source.ts';
import { type Attributes, apply, type Operation, type Shape, sameShape, type Tensor } from '../tensor.ts';

type Rule = (inputs: readonly Tensor[], attributes: Attributes, shape: Shape) => Tensor | undefined;

const operands = new Set(['add', 'sub', 'mul', 'div', 'maximum', 'minimum']);

/** The same value in fewer operations, or undefined where no rule applies. `shape` is that of the result. */
export function simplify(
  operation: Operation,
  inputs: readonly Tensor[],
  attributes: Attributes,
  shape: Shape,
) {
  const simpler = rules[operation.name]?.(inputs, attributes, shape);
  if (simpler) return simpler;
  if (!operands.has(operation.name)) return undefined;
  // Elementwise operations broadcast by themselves.
  const plain = inputs.map((input, i) => {
    const source = input.node.inputs[0];
    const other = inputs[1 - i]!;
    return is(input, 'broadcast') && sameShape(other.shape, shape) ? source! : input;
  });
  return plain.some((input, i) => input !== inputs[i]) ? apply(operation, plain, attributes) : undefined;
}

const rules: Record<string, Rule> = {
  add: ([a, b], _, shape) => {
    if (isScalar(b!, 0) && sameShape(a!.shape, shape)) return a;
    if (isScalar(a!, 0) && sameShape(b!.shape, shape)) return b;
    if (is(b!, 'neg')) return sub(a!, b!.node.inputs[0]!);
    return undefined;
  },
  sub: ([a, b], _, shape) => {
    if (isScalar(b!, 0) && sameShape(a!.shape, shape)) return a;
    return is(b!, 'neg') ? add(a!, b!.node.inputs[0]!) : undefined;
  },
  mul: ([a, b], _, shape) => {
    const factor = scalar(b!);
    if (factor === undefined) return scalar(a!) === undefined ? undefined : mul(b!, a!);
    if (factor === 1 && sameShape(a!.shape, shape)) return a;
    const inner = is(a!, 'mul') ? scalar(a!.node.inputs[1]!) : undefined;
    return inner === undefined ? undefined : mul(a!.node.inputs[0]!, inner * factor);
  },
  div: ([a, b], _, shape) => (isScalar(b!, 1) && sameShape(a!.shape, shape) ? a : undefined),
  neg: ([a]) => (is(a!, 'neg') ? a!.node.inputs[0] : undefined),
  reshape: ([x], { shape }) => (is(x!, 'reshape') ? reshape(x!.node.inputs[0]!, shape) : undefined),
  transpose: ([x], { permutation }) => {
    if (!is(x!, 'transpose')) return undefined;
    const inner = x!.node.attributes.permutation;
    return transpose(
      x!.node.inputs[0]!,
      permutation.map((axis: number) => inner[axis]),
    );
  },
  matmul: ([a, b], { transposeA, transposeB, alpha }) => {
    if (swapsMatrices(a!))
      return matmul(a!.node.inputs[0]!, b!, { transposeA: !transposeA, transposeB, alpha });
    if (swapsMatrices(b!))
      return matmul(a!, b!.node.inputs[0]!, { transposeA, transposeB: !transposeB, alpha });
    return undefined;
  },
};

const is = (tensor: Tensor, name: string) => tensor.node.operation.name === name;

/** Value of a scalar float constant. Constants of one element and higher rank do not count: they shape results. */
function scalar(tensor: Tensor): number | undefined {
  return tensor.shape.length === 0 && tensor.dtype === 'f32' ? constantData(tensor)?.[0] : undefined;
}

const isScalar = (tensor: Tensor, value: number) => scalar(tensor) === value;

/** Whether a tensor is a transpose of the last two axes. */
function swapsMatrices(tensor: Tensor): boolean {
  if (!is(tensor, 'transpose')) return false;
  const permutation: number[] = tensor.node.attributes.permutation;
  const last = permutation.length - 1;
  return (
    last >= 1 && permutation.every((axis, i) => axis === (i === last ? last - 1 : i === last - 1 ? last : i))
  );
}
