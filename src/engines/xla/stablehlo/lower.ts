import { constantOperation, inputName, inputOperation } from '../../../graph/operations/source.ts';
import { type Decompositions, optimise, partsOf } from '../../../graph/passes/optimise.ts';
import type { Program } from '../../../graph/program.ts';
import { GraphError, type Node, type Tensor } from '../../../graph/tensor.ts';
import { topologicalOrder } from '../../../graph/topology.ts';
import { isGradient } from '../../engine.ts';
import { evaluateNode } from '../../reference/evaluate.ts';
import { withKernels } from '../triton/with-kernels.ts';
import { type AttentionForm, fusedAttention } from './fused-attention.ts';
import { layerNormGrad, layerNormInOnePass } from './layer-norm.ts';
import { type FloatTypes, floatTypes, kept, type Precision } from './precision.ts';
import { rematerialised } from './rematerialise.ts';
import { ruleOf, rules } from './rules.ts';
import { elementType, type Value, type ValueType } from './values.ts';
import { type Argument, FunctionWriter } from './writer.ts';

export interface LowerOptions {
  /** Default: f32. */
  readonly precision?: Precision | undefined;
  /** Recomputes attention and the hidden features of MLPs in the backward pass: less memory, more work. */
  readonly rematerialise?: boolean | undefined;
  /** Type of weight gradients from products; bf16 requires precision bf16. Default: f32. */
  readonly gradients?: Precision | undefined;
  /**
   * Default: parts. The cuDNN kernels need bf16 and already recompute attention in the backward pass, so
   * `rematerialise` does not affect them.
   */
  readonly attention?: AttentionForm | undefined;
  /** Computes GELU, norms, short attention and banks of filters in this project's own kernels, with bf16. Default: false. */
  readonly kernels?: boolean | undefined;
}

/** A function of a module: its inputs and outputs by name, in order. */
export interface LoweredFunction {
  readonly name: string;
  readonly text: string;
  readonly inputs: readonly (readonly [string, ValueType])[];
  readonly outputs: readonly (readonly [string, ValueType])[];
}

/** Writes a program as a StableHLO function. Inputs and outputs keep the graph's types. */
export function lower(
  program: Program,
  name: string,
  {
    precision = 'f32',
    rematerialise = false,
    gradients = 'f32',
    attention = 'parts',
    kernels = false,
  }: LowerOptions = {},
): LoweredFunction {
  const decompositions = {
    ...(rematerialise && rematerialised),
    ...(attention !== 'parts' && precision === 'bf16' && fusedAttention(attention, kernels)),
  };
  const simpler = optimise(program, { keep: kept, evaluate: evaluateNode, decompositions });
  const optimised = kernels && precision === 'bf16' ? withKernels(simpler) : simpler;
  const inputs = Object.entries(optimised.inputs).map(([key, tensor]) => [key, valueType(tensor)] as const);
  const outputs = Object.entries(optimised.outputs).map(([key, tensor]) => [key, valueType(tensor)] as const);
  const writer = new FunctionWriter(
    inputs.map(([, type]): Argument => type),
    precision === 'f32' ? 'HIGHEST' : 'DEFAULT',
  );
  const feeds = new Map(inputs.map(([key], i) => [key, writer.arguments[i]!]));
  const rounded = Object.keys(optimised.outputs).filter((key) => gradients === 'bf16' && isGradient(key));
  const types = floatTypes(optimised, precision, new Set(rounded.map((key) => optimised.outputs[key]!)));
  const parts = partsFor(precision);
  const values = new Map<Tensor, Value>();
  for (const node of topologicalOrder(Object.values(optimised.outputs))) {
    if (node.operation === inputOperation)
      values.set(node.outputs[0]!, feeds.get(inputName(node.outputs[0]!))!);
    else writeNode(writer, node, values, types(node), parts);
  }
  const results = Object.values(optimised.outputs).map((tensor) =>
    writer.convert(values.get(tensor)!, elementType(tensor.dtype)),
  );
  return { name, text: writer.finish(name, results), inputs, outputs };
}

const valueType = ({ shape, dtype }: Tensor): ValueType => ({ shape, type: elementType(dtype) });

/** Decompositions of composites of this engine, in place of the defaults. */
const partsFor = (precision: Precision): Decompositions => ({
  layerNormGrad,
  ...(precision === 'bf16' && { layerNorm: layerNormInOnePass }),
});

const plain: FloatTypes = { reads: 'f32', yields: [] };

function writeNode(
  writer: FunctionWriter,
  node: Node,
  values: Map<Tensor, Value>,
  { reads, yields }: FloatTypes,
  parts: Decompositions,
): void {
  const { operation, attributes, outputs } = node;
  if (operation === constantOperation) {
    const [y] = outputs as [Tensor];
    values.set(y, writer.constant(attributes.data, y.shape, elementType(y.dtype)));
    return;
  }
  const inputs = node.inputs.map((input, i) => {
    const value = values.get(input)!;
    const type = typeof reads === 'string' ? reads : reads[i]!;
    return input.dtype === 'f32' && type !== 'unchanged' ? writer.convert(value, type) : value;
  });
  const rule = ruleOf(operation.name);
  const results = rule
    ? rule(writer, node, inputs, yields[0] ?? 'f32')
    : writeParts(writer, node, inputs, parts);
  const list = 'name' in results ? [results] : results;
  outputs.forEach((output, i) => {
    values.set(output, output.dtype === 'f32' ? writer.convert(list[i]!, yields[i] ?? 'f32') : list[i]!);
  });
}

/** A composite without a rule, decomposed and in float32. */
function writeParts(
  writer: FunctionWriter,
  node: Node,
  inputs: readonly Value[],
  parts: Decompositions,
): Value[] {
  const { operation } = node;
  const decompose = partsOf(node, parts);
  if (!decompose)
    throw new GraphError(`the xla engine lowers ${Object.keys(rules).join(', ')}, got ${operation.name}`);
  const values = new Map(node.inputs.map((input, i) => [input, inputs[i]!]));
  const results = decompose(node, node.inputs);
  const settled = new Set(node.inputs.map((input) => input.node));
  for (const part of topologicalOrder(results, settled)) writeNode(writer, part, values, plain, parts);
  return results.map((result) => values.get(result)!);
}
