import { constantOperation, inputName, inputOperation } from '../../graph/operations/source.ts';
import { optimise } from '../../graph/passes/optimise.ts';
import type { Program } from '../../graph/program.ts';
import { GraphError, type Node, type Tensor } from '../../graph/tensor.ts';
import { topologicalOrder } from '../../graph/topology.ts';
import { evaluateNode } from '../reference/evaluate.ts';
import { decompositions } from './decompositions.ts';
import { outputValue } from './messages.ts';
import { ModelWriter } from './model-writer.ts';
import { overrides } from './overrides.ts';
import { rules } from './rules.ts';

/** Writes a node's operators; takes the names of its inputs, returns those of its outputs. */
export type Rule = (writer: ModelWriter, node: Node, inputs: readonly string[]) => string | readonly string[];

const kept = new Set(Object.keys(overrides));

/** The program as a serialized ONNX model, its inputs under their own names, its outputs under `outputValue` of theirs. */
export function lower(program: Program): Uint8Array {
  const { name, inputs, outputs } = optimise(program, {
    keep: kept,
    decompositions,
    evaluate: evaluateNode,
  });
  const writer = new ModelWriter();
  const names = new Map<Tensor, string>();
  for (const [key, tensor] of Object.entries(inputs)) names.set(tensor, writer.input(key, tensor));
  for (const node of topologicalOrder(Object.values(outputs))) {
    if (node.operation === inputOperation) {
      const tensor = node.outputs[0]!;
      names.set(tensor, inputName(tensor));
      continue;
    }
    const made = write(
      writer,
      node,
      node.inputs.map((input) => names.get(input)!),
    );
    node.outputs.forEach((output, i) => {
      names.set(output, made[i]!);
    });
  }
  for (const [key, tensor] of Object.entries(outputs))
    writer.output(outputValue(key), tensor, names.get(tensor)!);
  return writer.finish(name);
}

function write(writer: ModelWriter, node: Node, inputs: readonly string[]): readonly string[] {
  const { operation, attributes, outputs } = node;
  if (operation === constantOperation)
    return [writer.constant(attributes.data, outputs[0]!.shape, outputs[0]!.dtype)];
  const rule = overrides[operation.name] ?? rules[operation.name];
  if (!rule)
    throw new GraphError(`the onnx engine lowers ${Object.keys(rules).join(', ')}, got ${operation.name}`);
  const made = rule(writer, node, inputs);
  return typeof made === 'string' ? [made] : made;
}
