import type { ForInputs, NodeOf, PrimitiveName } from '../../../graph/signatures.ts';
import type { Node } from '../../../graph/tensor.ts';
import type { ElementType, Value } from './values.ts';
import type { FunctionWriter } from './writer.ts';

/**
 * Writes a node: from its inputs, in the types of the precision policy, to its outputs.
 * @param type float type of the result, for rules that choose it; other rules keep the type of their inputs
 */
export type Rule = (
  writer: FunctionWriter,
  node: Node,
  inputs: readonly Value[],
  type: ElementType,
) => Value | readonly Value[];

/** The rule of a primitive. It may serve several primitives. */
export type RuleOf<N extends PrimitiveName> = (
  writer: FunctionWriter,
  node: NodeOf<N>,
  inputs: ForInputs<N, Value>,
  type: ElementType,
) => Value;
