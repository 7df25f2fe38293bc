import { defineOperation, type Node, type Operation, type Tensor, type Tensors } from './tensor.ts';

export type One = readonly [x: Tensor];
export type Two = readonly [a: Tensor, b: Tensor];

/**
 * The primitives and their inputs. Every engine has a table with a rule for each, checked against these names: a missing
 * or misspelled row does not compile. All have one output.
 */
export interface Primitives {
  add: Two;
  sub: Two;
  mul: Two;
  div: Two;
  maximum: Two;
  minimum: Two;
  neg: One;
  exp: One;
  log: One;
  sqrt: One;
  abs: One;
  sign: One;
  floor: One;
  erf: One;
  sum: One;
  max: One;
  cast: One;
  reshape: One;
  broadcast: One;
  transpose: One;
  slice: One;
  pad: One;
  reverse: One;
  concat: readonly [first: Tensor, ...rest: Tensor[]];
  gather: readonly [x: Tensor, indices: Tensor, ...inverse: Tensor[]];
  scatterAdd: readonly [x: Tensor, indices: Tensor];
  invertPermutation: readonly [order: Tensor];
  matmul: Two;
  conv: readonly [x: Tensor, filters: Tensor];
}

/** The composites of this folder and their inputs: an engine may have rules for some of them. */
export interface Composites {
  attention: readonly [q: Tensor, k: Tensor, v: Tensor];
  attentionGrad: readonly [q: Tensor, k: Tensor, v: Tensor, y: Tensor, dy: Tensor];
  crossEntropy: readonly [logits: Tensor, targets: Tensor];
  gelu: One;
  geluGrad: readonly [x: Tensor, dy: Tensor];
  splitHeads: One;
  mergeHeads: readonly [first: Tensor, ...rest: Tensor[]];
  layerNorm: readonly [x: Tensor, weight: Tensor, bias: Tensor];
  layerNormGrad: readonly [x: Tensor, weight: Tensor, mu: Tensor, scale: Tensor, dy: Tensor];
  linear: readonly [x: Tensor, weight: Tensor, ...bias: Tensor[]];
  mlp: readonly [x: Tensor, weight1: Tensor, bias1: Tensor, weight2: Tensor, bias2: Tensor];
  mlpGrad: readonly [...operands: Composites['mlp'], dy: Tensor];
  softmax: One;
  split: One;
  sumOfSquares: One;
}

interface Operations extends Primitives, Composites {}

export type PrimitiveName = keyof Primitives;
export type CompositeName = keyof Composites;
export type OperationName = keyof Operations;

/** Names of the primitives that take these inputs. */
export type NameOf<I> = { [N in PrimitiveName]: Primitives[N] extends I ? N : never }[PrimitiveName];

/** An application of an operation. */
export type NodeOf<N extends OperationName> = Node<Operations[N], N extends PrimitiveName ? One : Tensors>;

/** A `T` for each input of an operation: its value on an engine, say. */
export type ForInputs<N extends OperationName, T> = Each<Operations[N], T>;
type Each<I extends readonly unknown[], T> = { readonly [K in keyof I]: T };

/** Enters a primitive into the table of all operations. */
export function definePrimitive<N extends PrimitiveName>(
  operation: Operation<Primitives[N], One> & { readonly name: N; readonly decompose?: never },
): Operation {
  return defineOperation(operation as Operation<Primitives[N], One>);
}

/** Enters a composite into the table of all operations. @typeParam O its outputs */
export function defineComposite<N extends CompositeName, O extends Tensors = Tensors>(
  operation: Operation<Composites[N], O> &
    Required<Pick<Operation<Composites[N], O>, 'decompose'>> & { readonly name: N },
): Operation {
  return defineOperation(operation);
}
