import { evaluate } from '../../src/engines/reference/evaluate.ts';
import { lower } from '../../src/engines/xla/stablehlo/lower.ts';
import { ruleOf } from '../../src/engines/xla/stablehlo/rules.ts';
import { constantOperation, input, inputName, inputOperation } from '../../src/graph/operations/source.ts';
import { type Program, program } from '../../src/graph/program.ts';
import { applyAll, type Node, sizeOf, type Tensor } from '../../src/graph/tensor.ts';
import { topologicalOrder } from '../../src/graph/topology.ts';
import { runKernel, toBf16 } from './kernel-interpreter.ts';

type Data = Float64Array;

/**
 * Outputs of a program: kernels run in the interpreter, all else in double precision. Kernels read float32, except for those
 * that read bfloat16 alone.
 */
export function evaluateWithKernels(
  { outputs }: Program,
  feeds: Readonly<Record<string, ArrayLike<number>>>,
) {
  const known = new Map<Tensor, ArrayLike<number>>();
  let kernels = 0;
  for (const node of topologicalOrder(Object.values(outputs))) {
    const inputs = node.inputs.map((tensor) => known.get(tensor)!);
    let results: ArrayLike<number>[];
    if (node.operation === inputOperation) results = [feeds[inputName(node.outputs[0]!)]!];
    else if (isKernel(node)) {
      results = runNode(node, inputs);
      kernels++;
    } else
      results = evaluate(
        node,
        inputs.map((values) => Float64Array.from(values)),
      );
    node.outputs.forEach((tensor, i) => void known.set(tensor, results[i]!));
  }
  const values = Object.entries(outputs).map(([name, tensor]) => [name, known.get(tensor)!] as const);
  return { values: Object.fromEntries(values), kernels };
}

const isKernel = ({ operation }: Node) =>
  operation !== constantOperation &&
  operation.name.endsWith('Kernel') &&
  ruleOf(operation.name) !== undefined;

/** Runs the kernel that a node is lowered to. */
function runNode(
  { operation, inputs, attributes, outputs }: Node,
  values: readonly ArrayLike<number>[],
): Data[] {
  const stand = inputs.map(({ shape }, i) => input(`${i}`, shape));
  const results = applyAll(operation, stand, attributes);
  const named = Object.fromEntries(results.map((tensor, i) => [`${i}`, tensor]));
  const { text } = lower(program('kernel', named), 'kernel', { precision: 'bf16' });
  const call = text.split('\n').find((line) => line.includes('@__gpu$xla.gpu.triton'))!;
  const ir = /ir = "(.*?)"/.exec(call)![1]!.replaceAll('\\0A', '\n').replaceAll('\\22', '"');
  const [x, y] = ['x', 'y'].map((axis) => Number(new RegExp(`grid_${axis} = (\\d+)`).exec(call)![1]));
  const types = [...ir.matchAll(/!tt\.ptr<(\w+)> \{/g)].map(([, type]) => type as 'f32' | 'bf16');
  const read = values.map((data, i) =>
    Float64Array.from(data, (value) => (types[i] === 'bf16' ? toBf16(value) : Math.fround(value))),
  );
  // A kernel must write every value.
  const written = outputs.map(({ shape }) => new Float64Array(sizeOf(shape)).fill(Number.NaN));
  runKernel(
    ir,
    [x!, y!],
    [...read, ...written].map((data, i) => ({ type: types[i]!, data })),
  );
  return written;
}
