import { add, mul, sub } from '../operations/elementwise.ts';
import { matmul } from '../operations/matmul.ts';
import { reshape, transpose } from '../operations/shape.ts';
import { constantData } from '../operations/source.ts';
import type { PrimitiveName, Primitives } from '../signatures.ts';
import {
  type Attributes,
  apply,
  type Operation,
  type Shape,
  sameShape,
  type Tensor,
  type Tensors,
} from '../tensor.ts';

type Rule<I extends Tensors> = (inputs: I, attributes: Attributes, shape: Shape) => Tensor | undefined;

/** An equal tensor from fewer operations; undefined if no rule applies. @param shape shape of the result */
export function simplify(
  operation: Operation,
  inputs: readonly Tensor[],
  attributes: Attributes,
  shape: Shape,
) {
  const rule = rules[operation.name as PrimitiveName] as Rule<Tensors> | undefined;
  const simpler = rule?.(inputs, attributes, shape);
  if (simpler) return simpler;
  // Pointwise operations broadcast their inputs themselves if one operand has the full shape.
  const [a, b] = inputs;
  if (operation.role !== 'pointwise' || operation.decompose || !a || !b) return undefined;
  const source = (x: Tensor) => x.node.inputs[0]!;
  if (is(a, 'broadcast') && sameShape(b.shape, shape)) return apply(operation, [source(a), b], attributes);
  if (is(b, 'broadcast') && sameShape(a.shape, shape)) return apply(operation, [a, source(b)], attributes);
  return undefined;
}

const rules: { readonly [N in PrimitiveName]?: Rule<Primitives[N]> } = {
  add: ([a, b], _, shape) => {
    if (isScalar(b, 0) && sameShape(a.shape, shape)) return a;
    if (isScalar(a, 0) && sameShape(b.shape, shape)) return b;
    if (is(b, 'neg')) return sub(a, b.node.inputs[0]!);
    return undefined;
  },
  sub: ([a, b], _, shape) => {
    if (isScalar(b, 0) && sameShape(a.shape, shape)) return a;
    return is(b, 'neg') ? add(a, b.node.inputs[0]!) : undefined;
  },
  mul: ([a, b], _, shape) => {
    const factor = scalar(b);
    if (factor === undefined) return scalar(a) === undefined ? undefined : mul(b, a);
    if (factor === 1 && sameShape(a.shape, shape)) return a;
    const inner = is(a, 'mul') ? scalar(a.node.inputs[1]!) : undefined;
    if (inner === undefined || !isNormal(inner * factor)) return undefined;
    return mul(a.node.inputs[0]!, inner * factor);
  },
  div: ([a, b], _, shape) => (isScalar(b, 1) && sameShape(a.shape, shape) ? a : undefined),
  neg: ([a]) => (is(a, 'neg') ? a.node.inputs[0] : undefined),
  reshape: ([x], { shape }) => (is(x, 'reshape') ? reshape(x.node.inputs[0]!, shape) : undefined),
  transpose: ([x], { permutation }) => {
    if (!is(x, 'transpose')) return undefined;
    const inner = x.node.attributes.permutation;
    return transpose(
      x.node.inputs[0]!,
      permutation.map((axis: number) => inner[axis]),
    );
  },
  concat: (inputs, { axis }) => {
    const [whole] = inputs[0].node.inputs;
    return whole && concatenatesAll(inputs, whole, axis) ? whole : undefined;
  },
  matmul: ([a, b], { transposeA, transposeB, alpha }) => {
    if (swapsMatrices(a)) return matmul(a.node.inputs[0]!, b, { transposeA: !transposeA, transposeB, alpha });
    if (swapsMatrices(b)) return matmul(a, b.node.inputs[0]!, { transposeA, transposeB: !transposeB, alpha });
    return undefined;
  },
};

/** True if the parts are slices of `whole` along `axis`, one after the other, with nothing left out. */
function concatenatesAll(parts: readonly Tensor[], whole: Tensor, axis: number): boolean {
  let end = 0;
  const follows = (part: Tensor) => {
    const { starts } = part.node.attributes;
    if (!is(part, 'slice') || part.node.inputs[0] !== whole || starts[axis] !== end) return false;
    end += part.shape[axis]!;
    return part.shape.every((side, i) => i === axis || side === whole.shape[i]);
  };
  return parts.every(follows) && end === whole.shape[axis];
}

const is = (tensor: Tensor, name: PrimitiveName) => tensor.node.operation.name === name;

/** Value of a scalar f32 constant. Undefined for one element of a higher rank, because its rank shapes the result. */
function scalar(tensor: Tensor): number | undefined {
  return tensor.shape.length === 0 && tensor.dtype === 'f32' ? constantData(tensor)?.[0] : undefined;
}

/** True if float32 holds a factor without loss of digits (normal range). */
const isNormal = (x: number) => x === 0 || (Math.abs(x) > 1.2e-38 && Math.abs(x) < 3.4e38);

const isScalar = (tensor: Tensor, value: number) => scalar(tensor) === value;

/** True for a transpose of the last two axes. */
function swapsMatrices(tensor: Tensor): boolean {
  if (!is(tensor, 'transpose')) return false;
  const permutation: number[] = tensor.node.attributes.permutation;
  const last = permutation.length - 1;
  return (
    last >= 1 && permutation.every((axis, i) => axis === (i === last ? last - 1 : i === last - 1 ? last : i))
  );
}
