import type { ForInputs, NodeOf, PrimitiveName } from '../../../graph/signatures.ts';
import type { Node } from '../../../graph/tensor.ts';
import type { ElementType, Value } from './values.ts';
import type { FunctionWriter } from './writer.ts';

/**
 * Writes a node; takes its inputs as values, of the types that the precision asks for, and gives its outputs.
 * @param type of floats in the result, for rules that choose it; others keep that of their inputs
 */
export type Rule = (
  writer: FunctionWriter,
  node: Node,
  inputs: readonly Value[],
  type: ElementType,
) => Value | readonly Value[];

/** The rule of a primitive, or one that serves several. */
export type RuleOf<N extends PrimitiveName> = (
  writer: FunctionWriter,
  node: NodeOf<N>,
  inputs: ForInputs<N, Value>,
  type: ElementType,
) => Value;
