import { reads, writes } from '../engines/onednn/instructions.ts';
import { lower as lowerOneDnn, type Precision } from '../engines/onednn/lower.ts';
import { flops } from '../engines/onednn/profile.ts';
import { bytesOf } from '../engines/onednn/view.ts';
import { lowered } from '../engines/onnx/lower.ts';
import { productFlops, products } from '../engines/onnx/products.ts';
import { byteLength, valueTypes } from '../engines/onnx/shapes.ts';
import type { Program } from '../graph/program.ts';
import { sizeOf } from '../graph/tensor.ts';

/** What an engine is given to do in one run of a program; nothing is run to count it. */
export interface Work {
  /** Operators by type. */
  readonly operators: Readonly<Record<string, number>>;
  /** 10⁹ multiplications and additions of matrix products. */
  readonly gflop: number;
  /** 10⁶ bytes that all other operators read and write. */
  readonly movedMB: number;
  /** 10⁶ bytes of memory that is planned for what lies between inputs and outputs, where the engine plans it. */
  readonly plannedMB?: number;
}

/** Operators that only name values anew. */
const free = new Set(['Reshape', 'Identity']);

/** Work of a program as the onnx engine hands it to onnxruntime, which may then fuse some of it. */
export function onnxWork(program: Program): Work {
  const graph = lowered(program).graph(program.name);
  const types = valueTypes(graph);
  const operators: Record<string, number> = {};
  let [flop, moved] = [0, 0];
  for (const node of graph.nodes) {
    operators[node.opType] = (operators[node.opType] ?? 0) + 1;
    const values = [...node.input, ...node.output].map((name) => types.get(name)!);
    if (products.has(node.opType)) flop += productFlops(node, types);
    else if (!free.has(node.opType)) moved += values.reduce((sum, value) => sum + byteLength(value), 0);
  }
  return { operators, gflop: flop / 1e9, movedMB: moved / 1e6 };
}

/** Work of a program as the onednn engine plans it. @param given inputs that come with each run */
export function oneDnnWork(program: Program, given: ReadonlySet<string>, precision: Precision): Work {
  const { instructions, scratchBytes } = lowerOneDnn(program, given, precision);
  const operators: Record<string, number> = {};
  let [flop, moved] = [0, 0];
  for (const instruction of instructions) {
    operators[instruction.kind] = (operators[instruction.kind] ?? 0) + 1;
    flop += flops(instruction);
    if (instruction.kind === 'matmul') continue;
    // What is repeated is read once.
    for (const { shape, strides, dtype } of [...reads(instruction), ...writes(instruction)])
      moved += sizeOf(shape.map((side, axis) => (strides[axis] === 0 ? 1 : side))) * bytesOf(dtype);
  }
  return { operators, gflop: flop / 1e9, movedMB: moved / 1e6, plannedMB: scratchBytes / 1e6 };
}
