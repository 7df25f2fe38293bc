/** Element types a graph may hold. `u8` is for images on their way in, `i32` for indices. */
export type DType = 'f32' | 'i32' | 'u8';
export type Shape = readonly number[];

/** The plain array that holds a tensor's values outside of a graph. */
export type TensorData = Float32Array | Int32Array | Uint8Array;

/** Values by name: what goes into a program and what comes out. */
export type Values = Record<string, TensorData>;

export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

// biome-ignore lint/suspicious/noExplicitAny: each operation knows the attributes it was built with.
export type Attributes = Readonly<Record<string, any>>;

/** One application of an operation. @typeParam I its inputs, one type each. @typeParam O its outputs */
export interface Node<I extends Tensors = Tensors, O extends Tensors = Tensors> {
  readonly id: number;
  readonly operation: Operation;
  readonly inputs: I;
  readonly attributes: Attributes;
  readonly outputs: O;
}

export type Tensors = readonly Tensor[];

/** A symbolic value: one output of a node. */
export interface Tensor extends TensorType {
  readonly node: Node;
  readonly index: number;
}

/** What an operation does to values. Rules for many operations at once (mixed precision, simplifications) read it. */
export type Role =
  /** Brings values in. */
  | 'source'
  /** Puts values in other places and changes none. */
  | 'move'
  /** Makes each value from one value of each input. The inputs of a primitive broadcast. */
  | 'pointwise'
  /** A function between two products, or its gradient; all shapes are equal. */
  | 'activation'
  /** Makes one value of many. */
  | 'reduce'
  /** Sums of products: of matrices, or of rows with each other. */
  | 'product'
  | 'convolution'
  /** Sets values in relation to the others of their row. */
  | 'norm'
  /** Computes places of values, in integers. */
  | 'index';

/** Gradients of outputs, undefined where nothing flows. A rule is called only where something flows. */
export type Cotangents<O extends Tensors> = O extends readonly [Tensor]
  ? readonly [Tensor]
  : { readonly [K in keyof O]: Tensor | undefined };

// As a method, so that an operation of two inputs is an `Operation` too.
type Vjp<I extends Tensors, O extends Tensors> = {
  rule(node: Node<I, O>, cotangents: Cotangents<O>): readonly (Tensor | undefined)[] | null;
}['rule'];

/**
 * One kind of computation: what it yields, how it is differentiated and, for a composite, what it is made of.
 * A backend lowers every operation without `decompose`; it may override those that have one.
 */
export interface Operation<I extends Tensors = Tensors, O extends Tensors = Tensors> {
  readonly name: string;
  readonly role: Role;
  /** Types of the outputs; throws a `GraphError` when the inputs break the operation's rule. */
  infer(inputs: I, attributes: Attributes): readonly TensorType[];
  /**
   * Gradients of the inputs, given those of the outputs. Null, as the rule or from it: a composite is differentiated
   * through its decomposition, anything else lets no gradient through.
   */
  readonly vjp: Vjp<I, O> | null;
  /** Multiplications and additions. Default: those of the decomposition; none for a primitive. */
  flops?(node: Node<I, O>): number;
  /** What a composite is made of: its outputs from `inputs`, which stand for the node's own. */
  decompose?(node: Node<I, O>, inputs: I): Tensor[];
}

/** A rule of the graph was broken: names the operation, the rule and the shapes it got. */
export class GraphError extends Error {
  override readonly name = 'GraphError';
}

const table = new Map<string, Operation>();
let nextId = 0;

/** Enters an operation into the table of all operations. */
export function defineOperation<I extends Tensors = Tensors, O extends Tensors = Tensors>(
  operation: Operation<I, O>,
): Operation {
  if (table.has(operation.name))
    throw new GraphError(`operation names are unique, got "${operation.name}" twice`);
  table.set(operation.name, operation);
  return operation;
}

/** All operations, by name: what the tests of a backend walk through. */
export function operations(): ReadonlyMap<string, Operation> {
  return table;
}

/** Applies an operation; returns its outputs. */
export function applyAll(
  operation: Operation,
  inputs: readonly Tensor[],
  attributes: Attributes = {},
): Tensor[] {
  const types = operation.infer(inputs, attributes);
  if (types.some(({ shape }) => shape.some((side) => !Number.isInteger(side) || side < 0)))
    refuse(operation.name, 'sides must be whole and not negative', types);
  const outputs: Tensor[] = [];
  const node: Node = { id: nextId++, operation, inputs, attributes, outputs };
  types.forEach(({ shape, dtype }, index) => {
    outputs.push({ node, index, shape, dtype });
  });
  return outputs;
}

/** Applies an operation with a single output. */
export function apply(operation: Operation, inputs: readonly Tensor[], attributes: Attributes = {}): Tensor {
  return applyAll(operation, inputs, attributes)[0]!;
}

/** Number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, side) => product * side, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((side, axis) => side === b[axis]);
}

/** `f32[2, 3]`: how a tensor is named in messages. */
export function describe({ shape, dtype }: TensorType): string {
  return `${dtype}[${shape.join(', ')}]`;
}

/** Throws: `<operation>: <rule>, got <types>`. */
export function refuse(operation: string, rule: string, got: readonly TensorType[] | string): never {
  throw new GraphError(
    `${operation}: ${rule}, got ${typeof got === 'string' ? got : got.map(describe).join(' and ')}`,
  );
}

/** Requires every input to be float32: most operations have no other meaning. */
export function requireFloat(operation: string, inputs: readonly Tensor[]): void {
  if (inputs.some(({ dtype }) => dtype !== 'f32')) refuse(operation, 'inputs must be f32', inputs);
}

/** Makes the array of a data type. */
export function allocate(dtype: DType, size: number): TensorData {
  if (dtype === 'f32') return new Float32Array(size);
  return dtype === 'i32' ? new Int32Array(size) : new Uint8Array(size);
}

/** Data type of an array of values. */
export function dtypeOf(data: TensorData): DType {
  if (data instanceof Float32Array) return 'f32';
  return data instanceof Int32Array ? 'i32' : 'u8';
}
