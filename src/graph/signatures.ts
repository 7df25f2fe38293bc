import { defineOperation, type Node, type Operation, type Tensor, type Tensors } from './tensor.ts';

export type One = readonly [x: Tensor];
export type Two = readonly [a: Tensor, b: Tensor];

/**
 * The primitives and their inputs. Each engine has a table of rules checked against these names: a missing or
 * misspelled row does not compile. Each primitive has one output.
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

/** The composites and their inputs. An engine may have rules for some of them. */
export interface Composites {
  attention: readonly [q: Tensor, k: Tensor, v: Tensor];
  attentionGrad: readonly [q: Tensor, k: Tensor, v: Tensor, y: Tensor, dy: Tensor];
  batchNorm: readonly [x: Tensor, weight: Tensor, bias: Tensor];
  batchNormGrad: readonly [x: Tensor, weight: Tensor, average: Tensor, variance: Tensor, dy: Tensor];
  convFilterGrad: readonly [x: Tensor, dy: Tensor];
  convInputGrad: readonly [filters: Tensor, dy: Tensor];
  crossEntropy: readonly [logits: Tensor, targets: Tensor];
  gelu: One;
  geluGrad: readonly [x: Tensor, dy: Tensor];
  relu: One;
  reluGrad: readonly [y: Tensor, dy: Tensor];
  splitHeads: One;
  mergeHeads: readonly [first: Tensor, ...rest: Tensor[]];
  layerNorm: readonly [x: Tensor, weight: Tensor, bias: Tensor];
  layerNormGrad: readonly [x: Tensor, weight: Tensor, mu: Tensor, scale: Tensor, dy: Tensor];
  linear: readonly [x: Tensor, weight: Tensor, ...bias: Tensor[]];
  mlp: readonly [x: Tensor, weight1: Tensor, bias1: Tensor, weight2: Tensor, bias2: Tensor];
  mlpGrad: readonly [...operands: Composites['mlp'], dy: Tensor];
  softmax: One;
  logSoftmax: One;
  split: One;
  sumOfSquares: One;
}

interface Operations extends Primitives, Composites {}

export type PrimitiveName = keyof Primitives;
export type CompositeName = keyof Composites;
export type OperationName = keyof Operations;

/** Names of the primitives with these inputs. */
export type NameOf<I> = { [N in PrimitiveName]: Primitives[N] extends I ? N : never }[PrimitiveName];

/** A node of the operation with this name. */
export type NodeOf<N extends OperationName> = Node<Operations[N], N extends PrimitiveName ? One : Tensors>;

/** A `T` for each input of an operation, for example its value on an engine. */
export type ForInputs<N extends OperationName, T> = Each<Operations[N], T>;
type Each<I extends readonly unknown[], T> = { readonly [K in keyof I]: T };

/** Registers a primitive. */
export function definePrimitive<N extends PrimitiveName>(
  operation: Operation<Primitives[N], One> & { readonly name: N; readonly decompose?: never },
): Operation {
  return defineOperation(operation as Operation<Primitives[N], One>);
}

/** Registers a composite. @typeParam O its outputs */
export function defineComposite<N extends CompositeName, O extends Tensors = Tensors>(
  operation: Operation<Composites[N], O> &
    Required<Pick<Operation<Composites[N], O>, 'decompose'>> & { readonly name: N },
): Operation {
  return defineOperation(operation);
}
