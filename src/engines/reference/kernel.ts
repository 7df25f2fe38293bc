import type { ForInputs, NodeOf, PrimitiveName } from '../../graph/signatures.ts';
import type { Node } from '../../graph/tensor.ts';
import type { ReferenceData } from './data.ts';

/** Computes the one output of a primitive operation. */
export type Kernel = (node: Node, inputs: readonly ReferenceData[]) => ReferenceData;

/** The kernel of a primitive, or one that serves several. */
export type KernelOf<N extends PrimitiveName> = (
  node: NodeOf<N>,
  inputs: ForInputs<N, ReferenceData>,
) => ReferenceData;

/** Kernels of these primitives. */
export type Kernels<N extends PrimitiveName = PrimitiveName> = { readonly [K in N]: KernelOf<K> };
