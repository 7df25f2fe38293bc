import type { Program } from '../../graph/program.ts';
import type { Values } from '../../graph/tensor.ts';
import { dynamicBatch } from './dynamic-batch.ts';
import { type LowerOptions, writeProgram } from './lower.ts';
import { ModelWriter } from './model-writer.ts';
import type { ModelOptions, OnnxGraph } from './proto.ts';
import type { Overrides } from './rule.ts';

/** Supported by onnxruntime since 1.12 (2022). Opset 17 introduced LayerNormalization. */
export const exportVersion: ModelOptions = { irVersion: 8, opsets: [{ domain: '', version: 17 }] };

/** Composites and products in operators of the ONNX standard only. */
const exportRules: Overrides = {
  linear: (writer, _, inputs) => writer.node('Gemm', inputs, { transB: 1 }),
  softmax: (writer, _, [x]) => writer.node('Softmax', [x], { axis: -1 }),
  relu: (writer, _, [x]) => writer.node('Relu', [x]),
  // Its axes are an input since opset 18.
  max: (writer, { attributes: { axes } }, [x]) => writer.node('ReduceMax', [x], { axes, keepdims: 1 }),
  layerNorm: (writer, { attributes: { epsilon } }, inputs) =>
    writer.node('LayerNormalization', inputs, { axis: -1, epsilon: { float: epsilon } }),
  // PyTorch's form, which onnxruntime fuses into one operator.
  gelu: (writer, _, [x]) => {
    const erf = writer.node('Erf', [writer.node('Div', [x, scalar(writer, Math.SQRT2)])]);
    const twice = writer.node('Mul', [x, writer.node('Add', [erf, scalar(writer, 1)])]);
    return writer.node('Mul', [twice, scalar(writer, 0.5)]);
  },
  matmul: (writer, { inputs: [a, b], attributes }, [left, right]) => {
    const { transposeA, transposeB, alpha } = attributes;
    const transposed = (name: string, rank: number, transpose: boolean) =>
      transpose ? writer.node('Transpose', [name], { perm: swapLast(rank) }) : name;
    const product = writer.node('MatMul', [
      transposed(left, a.shape.length, transposeA),
      transposed(right, b.shape.length, transposeB),
    ]);
    return alpha === 1 ? product : writer.node('Mul', [product, scalar(writer, alpha)]);
  },
};

const scalar = (writer: ModelWriter, value: number) => writer.constant(Float32Array.of(value), [], 'f32');

/** A permutation that swaps the last two of `rank` axes. */
const swapLast = (rank: number) => [...Array(rank - 2).keys(), rank - 1, rank - 2];

/**
 * Writes a program into a graph for any runtime, in standard operators. Returns the names of the values of its outputs.
 * @param weights values of the inputs that become initializers
 * @param given names of the graph's values that replace inputs; other inputs become those of the graph
 */
export function writePortable(
  writer: ModelWriter,
  program: Program,
  options: Pick<LowerOptions, 'weights' | 'given'>,
): Record<string, string> {
  return writeProgram(writer, program, { overrides: exportRules, ...options }).values;
}

/**
 * A program as an ONNX graph for any runtime: standard operators, weights as initializers, and a dynamic first side,
 * `batch`, of inputs and outputs.
 * @param build builds the program for a batch size
 * @param weights values of the inputs that become initializers
 */
export function exportGraph(build: (batch: number) => Program, weights: Values): OnnxGraph {
  return dynamicBatch((batch) => {
    const program = build(batch);
    const writer = new ModelWriter();
    const values = writePortable(writer, program, { weights });
    for (const [name, tensor] of Object.entries(program.outputs)) writer.output(name, tensor, values[name]!);
    return writer.graph(program.name);
  });
}
