import type { ForInputs, NodeOf, PrimitiveName } from '../../graph/signatures.ts';
import type { Node } from '../../graph/tensor.ts';
import type { ReferenceData } from './data.ts';

/** Computes the output of a primitive operation. */
export type Kernel = (node: Node, inputs: readonly ReferenceData[]) => ReferenceData;

/** A kernel of a primitive. It may serve several primitives. */
export type KernelOf<N extends PrimitiveName> = (
  node: NodeOf<N>,
  inputs: ForInputs<N, ReferenceData>,
) => ReferenceData;

export type Kernels<N extends PrimitiveName = PrimitiveName> = { readonly [K in N]: KernelOf<K> };
