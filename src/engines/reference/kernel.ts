import type { Node } from '../../graph/tensor.ts';
import type { ReferenceData } from './data.ts';

/** Computes the one output of a primitive operation. */
export type Kernel = (node: Node, inputs: readonly ReferenceData[]) => ReferenceData;
