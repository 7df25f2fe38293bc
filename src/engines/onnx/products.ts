import type { Program } from '../../graph/program.ts';
import { sizeOf } from '../../graph/tensor.ts';
import { lowered } from './lower.ts';
import { type CompiledProgram, outputValue } from './messages.ts';
import { encodeModel, type OnnxNode } from './proto.ts';
import { attributesOf, type ValueType, valueTypes } from './shapes.ts';

/** Operators that are matrix products. */
export const products: ReadonlySet<string> = new Set(['MatMul', 'FusedMatMul', 'Gemm']);

/** Multiplications and additions of a product. */
export function productFlops(node: OnnxNode, types: ReadonlyMap<string, ValueType>): number {
  const { transA } = attributesOf(node);
  const inner = types.get(node.input[0]!)!.shape.at(transA ? -2 : -1)!;
  return 2 * sizeOf(types.get(node.output[0]!)!.shape) * inner;
}

/** A product as a model of its own, and how often a program makes it. */
export interface ProductModel {
  readonly name: string;
  calls: number;
  /** Multiplications and additions of one call. */
  readonly flops: number;
  readonly compiled: CompiledProgram;
}

/** The products of a program, one model for each operator, attributes and shapes. */
export function productModels(program: Program): ProductModel[] {
  const graph = lowered(program).graph(program.name);
  const types = valueTypes(graph);
  const models = new Map<string, ProductModel>();
  for (const node of graph.nodes) {
    if (!products.has(node.opType)) continue;
    const shapes = node.input.map((name) => `[${types.get(name)!.shape}]`);
    const { transA, transB, alpha } = attributesOf(node);
    const turned = `${transA ? ' transA' : ''}${transB ? ' transB' : ''}${alpha === undefined ? '' : ` alpha ${alpha}`}`;
    const name = `${node.opType} ${shapes.join(' · ')}${turned}`;
    const known = models.get(name);
    if (known) known.calls++;
    else
      models.set(name, {
        name,
        calls: 1,
        flops: productFlops(node, types),
        compiled: alone(node, types),
      });
  }
  return [...models.values()];
}

function alone(node: OnnxNode, types: ReadonlyMap<string, ValueType>): CompiledProgram {
  const input = node.input.map((_, i) => `x${i}`);
  const shapes = node.input.map((name) => types.get(name)!.shape);
  const shape = types.get(node.output[0]!)!.shape;
  const [output, float] = [outputValue('y'), 1]; // TensorProto.DataType FLOAT
  const graph = {
    name: 'product',
    nodes: [{ ...node, input, output: [output] }],
    initializers: [],
    inputs: input.map((name, i) => ({ name, elemType: float, shape: shapes[i]! })),
    outputs: [{ name: output, elemType: float, shape }],
  };
  return {
    model: encodeModel(graph, {
      irVersion: 10,
      opsets: [
        { domain: '', version: 21 },
        { domain: 'com.microsoft', version: 1 },
      ],
    }),
    inputs: input.map((name, i) => ({ name, dtype: 'f32', shape: shapes[i]! })),
    outputs: [{ name: 'y', dtype: 'f32', shape }],
  };
}
