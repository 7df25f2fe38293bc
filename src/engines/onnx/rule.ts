import type { ForInputs, NodeOf, OperationName } from '../../graph/signatures.ts';
import type { Node } from '../../graph/tensor.ts';
import type { ModelWriter } from './model-writer.ts';

/** Writes a node's operators: from the names of its inputs to the names of its outputs. */
export type Rule = (writer: ModelWriter, node: Node, inputs: readonly string[]) => string | readonly string[];

/** The rule of an operation. It may serve several operations. */
export type RuleOf<N extends OperationName> = (
  writer: ModelWriter,
  node: NodeOf<N>,
  inputs: ForInputs<N, string>,
) => string | readonly string[];

export type Overrides = { readonly [N in OperationName]?: RuleOf<N> };
