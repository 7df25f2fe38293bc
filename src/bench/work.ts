import { reads, writes } from '../engines/onednn/instructions.ts';
import { lower as lowerOneDnn, type Precision } from '../engines/onednn/lower.ts';
import { flops } from '../engines/onednn/profile.ts';
import { bytesOf } from '../engines/onednn/view.ts';
import { lowered } from '../engines/onnx/lower.ts';
import { flopsOf } from '../graph/flops.ts';
import type { Program } from '../graph/program.ts';
import { type Node, sizeOf } from '../graph/tensor.ts';

/** Work of an engine in one run of a program, counted without running it. */
export interface Work {
  /** Operators by type. */
  readonly operators: Readonly<Record<string, number>>;
  /** 10⁹ multiplications and additions of products and convolutions. */
  readonly gflop: number;
  /** 10⁶ bytes that other operations read and write. */
  readonly movedMB: number;
  /** 10⁶ bytes of planned scratch memory, if the engine plans memory. */
  readonly plannedMB?: number;
}

/** Work of a program as the onnx engine passes it to onnxruntime, which may fuse operators. */
export function onnxWork(program: Program): Work {
  const { writer, nodes } = lowered(program);
  const operators: Record<string, number> = {};
  for (const { opType } of writer.graph(program.name).nodes) operators[opType] = (operators[opType] ?? 0) + 1;
  const moved = nodes
    .filter((node) => flopsOf([node]) === 0 && !free(node))
    .flatMap(({ inputs, outputs }) => [...inputs, ...outputs])
    .reduce((sum, { shape, dtype }) => sum + sizeOf(shape) * bytesOf(dtype), 0);
  return { operators, gflop: flopsOf(nodes) / 1e9, movedMB: moved / 1e6 };
}

/** True if a node computes and moves nothing. */
const free = ({ operation: { name, role } }: Node) => name === 'reshape' || role === 'source';

/** Work of a program as the onednn engine plans it. @param feeds inputs passed with each run @param midway see `TrainingPlan.midway` */
export function oneDnnWork(
  program: Program,
  feeds: ReadonlySet<string>,
  precision: Precision,
  midway?: Program,
): Work {
  const { instructions, scratchBytes } = lowerOneDnn(program, feeds, precision, midway);
  const operators: Record<string, number> = {};
  let [flop, moved] = [0, 0];
  for (const instruction of instructions) {
    operators[instruction.kind] = (operators[instruction.kind] ?? 0) + 1;
    flop += flops(instruction);
    if (flops(instruction) > 0) continue;
    // Repeated axes are read once.
    for (const { shape, strides, dtype } of [...reads(instruction), ...writes(instruction)])
      moved += sizeOf(shape.map((side, axis) => (strides[axis] === 0 ? 1 : side))) * bytesOf(dtype);
  }
  return { operators, gflop: flop / 1e9, movedMB: moved / 1e6, plannedMB: scratchBytes / 1e6 };
}
