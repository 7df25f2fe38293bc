import { constantOperation, inputName, inputOperation } from '../../graph/operations/source.ts';
import { type Halves, inHalves, withMidway } from '../../graph/passes/halves.ts';
import { type Decompositions, type OptimiseOptions, optimise } from '../../graph/passes/optimise.ts';
import type { Program } from '../../graph/program.ts';
import type { PrimitiveName } from '../../graph/signatures.ts';
import { GraphError, type Node, type Tensor, type Values } from '../../graph/tensor.ts';
import { topologicalOrder } from '../../graph/topology.ts';
import { evaluateNode } from '../reference/evaluate.ts';
import { decompositions } from './decompositions.ts';
import { outputValue } from './messages.ts';
import { ModelWriter } from './model-writer.ts';
import { overrides } from './overrides.ts';
import type { Overrides, Rule } from './rule.ts';
import { rules } from './rules.ts';

export interface LowerOptions {
  /** Rules that take precedence over the default rules: for whole composites, and for other forms of an operation. */
  readonly overrides: Overrides;
  readonly decompositions?: Decompositions | undefined;
  /** Values of inputs that become initializers of the model. */
  readonly weights?: Values;
  /** Names of values that the graph already has, by the names of the inputs that they replace. */
  readonly given?: Readonly<Record<string, string>>;
}

/** The program as a serialized ONNX model. Inputs keep their names, outputs get `outputValue` of theirs. */
export function lower(program: Program): Uint8Array {
  return lowered(program).writer.finish(program.name);
}

/** The same before serialization, with the nodes it was written from. */
export function lowered(program: Program): { writer: ModelWriter; nodes: readonly Node[] } {
  const writer = new ModelWriter();
  const { values, nodes } = writeProgram(writer, program, { overrides, decompositions });
  for (const [key, tensor] of Object.entries(program.outputs))
    writer.output(outputValue(key), tensor, values[key]!);
  return { writer, nodes };
}

const optimisation = ({ overrides, decompositions }: LowerOptions): OptimiseOptions => ({
  keep: new Set(Object.keys(overrides)),
  decompositions,
  evaluate: evaluateNode,
});

/** A program in two halves, see `inHalves`. It is optimised as a whole before. */
export function lowerableHalves(program: Program, midway: Program): Halves {
  return inHalves(
    ...withMidway(program, midway, (both) => optimise(both, optimisation({ overrides, decompositions }))),
  );
}

/** Writes a program's inputs and nodes. Returns them, and the output values by name. */
export function writeProgram(
  writer: ModelWriter,
  program: Program,
  { overrides, decompositions, weights = {}, given = {} }: LowerOptions,
): { values: Record<string, string>; nodes: readonly Node[] } {
  const { inputs, outputs } = optimise(program, optimisation({ overrides, decompositions }));
  const nodes = topologicalOrder(Object.values(outputs));
  const names = new Map<Tensor, string>();
  for (const [key, tensor] of Object.entries(inputs)) {
    const weight = weights[key];
    names.set(
      tensor,
      given[key] ??
        (weight ? writer.constant(weight, tensor.shape, tensor.dtype, key) : writer.input(key, tensor)),
    );
  }
  for (const node of nodes) {
    if (node.operation === inputOperation) {
      const tensor = node.outputs[0]!;
      const name = inputName(tensor);
      names.set(tensor, given[name] ?? name);
      continue;
    }
    const results = write(
      writer,
      node,
      node.inputs.map((input) => names.get(input)!),
      overrides,
    );
    node.outputs.forEach((output, i) => {
      names.set(output, results[i]!);
    });
  }
  const values = Object.entries(outputs).map(([key, tensor]) => [key, names.get(tensor)!]);
  return { values: Object.fromEntries(values), nodes };
}

function write(
  writer: ModelWriter,
  node: Node,
  inputs: readonly string[],
  overrides: LowerOptions['overrides'],
): readonly string[] {
  const { operation, attributes, outputs } = node;
  if (operation === constantOperation)
    return [writer.constant(attributes.data, outputs[0]!.shape, outputs[0]!.dtype)];
  const name = operation.name as PrimitiveName;
  const rule = (overrides[name] ?? rules[name]) as Rule | undefined;
  if (!rule)
    throw new GraphError(`the onnx engine lowers ${Object.keys(rules).join(', ')}, got ${operation.name}`);
  const results = rule(writer, node, inputs);
  return typeof results === 'string' ? [results] : results;
}
