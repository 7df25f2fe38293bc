/** Element types. `u8` holds images as they are loaded, `i32` holds indices. */
export type DType = 'f32' | 'i32' | 'u8';
export type Shape = readonly number[];

/** The array that holds a tensor's values outside of the graph. */
export type TensorData = Float32Array | Int32Array | Uint8Array;

/** Values by name: the inputs or outputs of a program. */
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

/** The kind of an operation. Rules for many operations at once (mixed precision, simplifications) read it. */
export type Role =
  /** Has no inputs. */
  | 'source'
  /** Moves values without changing them. */
  | 'move'
  /** Computes each value from one value of each input. The inputs of a primitive broadcast. */
  | 'pointwise'
  /** An activation function between two products, or its gradient. All shapes are equal. */
  | 'activation'
  /** Computes one value from many. */
  | 'reduce'
  /** Sums products: matrix products, or products of rows. */
  | 'product'
  | 'convolution'
  /** Normalises each row by statistics of the row. */
  | 'norm'
  /** Computes integer indices. */
  | 'index';

/** Gradients of the outputs; undefined: no gradient. A gradient rule is called only if at least one is defined. */
export type Cotangents<O extends Tensors> = O extends readonly [Tensor]
  ? readonly [Tensor]
  : { readonly [K in keyof O]: Tensor | undefined };

// A method, because methods are bivariant: an operation of two inputs is assignable to `Operation`.
type Vjp<I extends Tensors, O extends Tensors> = {
  rule(node: Node<I, O>, cotangents: Cotangents<O>): readonly (Tensor | undefined)[] | null;
}['rule'];

/**
 * One kind of computation: its result types, its gradient and, for a composite, its decomposition. An engine must
 * implement each operation without `decompose`, and may implement the others.
 */
export interface Operation<I extends Tensors = Tensors, O extends Tensors = Tensors> {
  readonly name: string;
  readonly role: Role;
  /** Types of the outputs. Throws GraphError if the inputs break the operation's rule. */
  infer(inputs: I, attributes: Attributes): readonly TensorType[];
  /**
   * Gradients of the inputs from the gradients of the outputs. Null, as the rule or as its result: a composite is
   * differentiated through its decomposition, a primitive has no gradient.
   */
  readonly vjp: Vjp<I, O> | null;
  /** Multiplications and additions. Default: the sum over the decomposition; 0 for a primitive. */
  flops?(node: Node<I, O>): number;
  /** A composite's decomposition: its outputs, computed from `inputs` instead of the node's inputs. */
  decompose?(node: Node<I, O>, inputs: I): Tensor[];
}

/** A broken rule of the graph. The message names the operation, the rule and the shapes. */
export class GraphError extends Error {
  override readonly name = 'GraphError';
}

const table = new Map<string, Operation>();
let nextId = 0;

/** Registers an operation. Throws GraphError if the name is taken. */
export function defineOperation<I extends Tensors = Tensors, O extends Tensors = Tensors>(
  operation: Operation<I, O>,
): Operation {
  if (table.has(operation.name))
    throw new GraphError(`operation names are unique, got "${operation.name}" twice`);
  table.set(operation.name, operation);
  return operation;
}

/** All operations by name, for tests of an engine. */
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

/** Applies an operation with one output. */
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

/** `f32[2, 3]`: a type in error messages. */
export function describe({ shape, dtype }: TensorType): string {
  return `${dtype}[${shape.join(', ')}]`;
}

/** Throws: `<operation>: <rule>, got <types>`. */
export function refuse(operation: string, rule: string, got: readonly TensorType[] | string): never {
  throw new GraphError(
    `${operation}: ${rule}, got ${typeof got === 'string' ? got : got.map(describe).join(' and ')}`,
  );
}

/** Throws GraphError unless each input is f32. */
export function requireFloat(operation: string, inputs: readonly Tensor[]): void {
  if (inputs.some(({ dtype }) => dtype !== 'f32')) refuse(operation, 'inputs must be f32', inputs);
}

/** A new array of zeros. */
export function allocate(dtype: DType, size: number): TensorData {
  if (dtype === 'f32') return new Float32Array(size);
  return dtype === 'i32' ? new Int32Array(size) : new Uint8Array(size);
}

export function dtypeOf(data: TensorData): DType {
  if (data instanceof Float32Array) return 'f32';
  return data instanceof Int32Array ? 'i32' : 'u8';
}
