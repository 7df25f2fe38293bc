import { type Shape, sizeOf } from '../../graph/tensor.ts';
import { elementTypes } from './model-writer.ts';
import type { OnnxGraph, OnnxNode, OnnxTensor } from './proto.ts';

/** Shape and element type (TensorProto.DataType) of a value. */
export interface ValueType {
  readonly shape: Shape;
  readonly type: number;
}

/** Shapes of inputs, values of those that are constant vectors of int64, and attributes → shapes of the outputs. */
type Rule = (
  inputs: readonly Shape[],
  attributes: Readonly<Record<string, unknown>>,
  constant: (input: number) => readonly number[] | undefined,
) => readonly Shape[];

const same: Rule = ([x]) => [x!];
const broadcast: Rule = (shapes) => [shapes.reduce(together)];
const reduced: Rule = ([x], _, constant) => [
  x!.map((side, axis) => (constant(1)!.some((at) => (at + x!.length) % x!.length === axis) ? 1 : side)),
];
const given: Rule = (_, __, constant) => [constant(1)!];

/** What the rules of the onnx engine write (ONNX operators, opset 21; com.microsoft). */
const rules: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(
    ['Abs', 'Cast', 'Erf', 'Exp', 'Floor', 'Gelu', 'Identity', 'Log', 'Neg', 'ScatterElements', 'Sign']
      .concat('Softmax', 'Sqrt')
      .map((name) => [name, same]),
  ),
  ...Object.fromEntries(['Add', 'Div', 'Equal', 'Max', 'Min', 'Mul', 'Sub'].map((name) => [name, broadcast])),
  ReduceSum: reduced,
  ReduceMax: reduced,
  Reshape: given,
  Expand: given,
  Transpose: ([x], { perm }) => [(perm as number[]).map((axis) => x![axis]!)],
  Concat: (shapes, { axis }) => [
    shapes[0]!.map((side, at) => (at === axis ? shapes.reduce((sum, shape) => sum + shape[at]!, 0) : side)),
  ],
  Gather: ([x, indices]) => [[...indices!, ...x!.slice(1)]],
  Pad: ([x], _, constant) => [
    x!.map((side, axis) => side + constant(1)![axis]! + constant(1)![axis + x!.length]!),
  ],
  Slice: ([x], _, constant) => {
    const sides = [...x!];
    // Steps are written to reverse whole axes alone.
    if (!constant(4))
      for (const [i, axis] of constant(3)!.entries()) sides[axis] = constant(2)![i]! - constant(1)![i]!;
    return [sides];
  },
  LayerNormalization: ([x]) => [x!, [...x!.slice(0, -1), 1], [...x!.slice(0, -1), 1]],
  Gemm: ([a, b], { transB }) => [[a![0]!, b![transB ? 0 : 1]!]],
  MatMul: ([a, b]) => [[...together(a!.slice(0, -2), b!.slice(0, -2)), a!.at(-2)!, b!.at(-1)!]],
  FusedMatMul: ([a, b], { transA, transB }) => [
    [...together(a!.slice(0, -2), b!.slice(0, -2)), a!.at(transA ? -1 : -2)!, b!.at(transB ? -2 : -1)!],
  ],
};

/** Types of all values of a graph whose inputs have static shapes. Throws Error for an operator without a rule. */
export function valueTypes({ inputs, initializers, nodes }: OnnxGraph): ReadonlyMap<string, ValueType> {
  const types = new Map<string, ValueType>();
  const vectors = new Map<string, readonly number[]>();
  for (const { name, elemType, shape } of inputs) types.set(name, { shape: shape as Shape, type: elemType });
  for (const tensor of initializers) {
    types.set(tensor.name, { shape: tensor.dims, type: tensor.dataType });
    if (tensor.dataType === elementTypes.i64) vectors.set(tensor.name, integers(tensor));
  }
  for (const node of nodes) {
    const rule = rules[node.opType];
    if (!rule)
      throw new Error(
        `operators whose shapes are known: ${Object.keys(rules).join(', ')}; got ${node.opType}`,
      );
    const known = node.input.map((name) => types.get(name)!);
    const attributes = attributesOf(node);
    const constant = (i: number) => vectors.get(node.input[i] ?? '');
    const shapes = rule(
      known.map(({ shape }) => shape),
      attributes,
      constant,
    );
    const type = (attributes.to as number) ?? (node.opType === 'Equal' ? elementTypes.bool : known[0]!.type);
    node.output.forEach((name, i) => {
      types.set(name, { shape: shapes[i]!, type });
    });
  }
  return types;
}

/** A node's whole numbers and lists of them, by name. */
export function attributesOf({ attribute }: OnnxNode): Readonly<Record<string, unknown>> {
  const all = attribute as readonly { name: string; i?: number; f?: number; ints?: readonly number[] }[];
  return Object.fromEntries(all.map(({ name, i, f, ints }) => [name, ints ?? i ?? f]));
}

const bytesOf: Readonly<Record<number, number>> = {
  [elementTypes.f32]: 4,
  [elementTypes.i32]: 4,
  [elementTypes.i64]: 8,
  [elementTypes.u8]: 1,
  [elementTypes.bool]: 1,
};

export const byteLength = ({ shape, type }: ValueType) => sizeOf(shape) * bytesOf[type]!;

function together(a: Shape, b: Shape): Shape {
  const length = Math.max(a.length, b.length);
  return Array.from({ length }, (_, i) => {
    const [x, y] = [a[i - length + a.length] ?? 1, b[i - length + b.length] ?? 1];
    return x === 1 ? y : x;
  });
}

function integers({ rawData }: OnnxTensor): number[] {
  return Array.from(new BigInt64Array(rawData.slice().buffer), Number);
}
