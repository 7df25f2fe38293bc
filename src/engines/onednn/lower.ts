import { constantOperation, inputName, inputOperation } from '../../graph/operations/source.ts';
import { filterGradByTaps } from '../../graph/passes/filter-grad.ts';
import { optimise } from '../../graph/passes/optimise.ts';
import type { Program } from '../../graph/program.ts';
import { GraphError, type Node, sizeOf, type Tensor } from '../../graph/tensor.ts';
import { topologicalOrder } from '../../graph/topology.ts';
import { evaluateNode } from '../reference/evaluate.ts';
import { Builder } from './builder.ts';
import { composites, ruleOf } from './composites.ts';
import type { Plan, PlannedOutput } from './instructions.ts';
import { layOut, withoutUnread } from './memory-plan.ts';
import { recomputeLong } from './recompute.ts';
import { rules } from './rules.ts';
import { mayNarrow, narrowTensors, storageOf } from './storage.ts';
import { bytesOf, denseStrides, type View } from './view.ts';

/** Type of the operands of products. Sums are always float32. */
export type Precision = 'f32' | 'bf16';

const kept = new Set(Object.keys(composites));

/**
 * The program as a list of calls with planned memory.
 * @param feeds inputs passed with every run; other inputs are read from the state
 */
export function lower(program: Program, feeds: ReadonlySet<string>, precision: Precision): Plan {
  const optimised = optimise(program, {
    keep: kept,
    decompositions: { convFilterGrad: filterGradByTaps },
    evaluate: evaluateNode,
  });
  const order = schedule(optimised);
  const narrow = precision === 'bf16' ? narrowTensors(order, optimised) : new Set<Tensor>();
  const builder = new Builder();
  const views = new Map<Tensor, View>();
  for (const node of order) {
    const results = write(builder, node, views, feeds, precision, narrow);
    node.outputs.forEach((output, i) => {
      views.set(output, results[i]!);
    });
  }
  const outputs = Object.entries(optimised.outputs).map(([name, tensor]): PlannedOutput => {
    const { dtype, shape } = tensor;
    return { name, dtype, shape, view: builder.dense(builder.as(dtype, views.get(tensor)!)) };
  });
  const needed = withoutUnread(builder.instructions, outputs);
  const instructions = recomputeLong(needed, outputs, (bytes) => builder.buffer(bytes));
  const layout = layOut(instructions, outputs);
  const inputs = [...views].flatMap(([{ node }, view]) => {
    const { source, id } = view.buffer;
    const wanted = node.operation === inputOperation && source && 'feed' in source && layout.offsets.has(id);
    return wanted ? [{ name: source.feed, view }] : [];
  });
  return { instructions, feeds: inputs, outputs, ...layout };
}

/**
 * A topological order that computes later outputs first. Gradients of the last layers thus release their inputs
 * before those of the first layers are computed.
 */
function schedule({ outputs }: Program): Node[] {
  const [first, ...rest] = Object.values(outputs);
  return topologicalOrder([...(first ? [first] : []), ...rest.reverse()]);
}

function write(
  builder: Builder,
  node: Node,
  views: ReadonlyMap<Tensor, View>,
  feeds: ReadonlySet<string>,
  precision: Precision,
  narrow: ReadonlySet<Tensor>,
): readonly View[] {
  const { operation, attributes, inputs, outputs } = node;
  const [{ shape, dtype }] = outputs as [Tensor];
  if (operation === inputOperation) {
    const name = inputName(outputs[0]!);
    const buffer = builder.buffer(
      sizeOf(shape) * bytesOf(dtype),
      feeds.has(name) ? { feed: name } : { state: name },
    );
    return [{ buffer, dtype, shape, strides: denseStrides(shape), offset: 0 }];
  }
  if (operation === constantOperation) {
    const { buffer, byteOffset, byteLength } = attributes.data;
    return [builder.constant(new Uint8Array(buffer, byteOffset, byteLength), shape, dtype)];
  }
  const rule = ruleOf(operation);
  if (!rule)
    throw new GraphError(`the onednn engine lowers ${Object.keys(rules).join(', ')}, got ${operation.name}`);
  const storage = outputs.map((output) => storageOf(output, narrow));
  const results = rule(
    { builder, compute: mayNarrow(node) ? precision : 'f32', storage },
    node,
    inputs.map((input) => views.get(input)!),
  );
  return Array.isArray(results) ? results : [results as View];
}
