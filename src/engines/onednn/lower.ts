import { constantOperation, inputName, inputOperation } from '../../graph/operations/source.ts';
import { filterGradByTaps } from '../../graph/passes/filter-grad.ts';
import { withMidway } from '../../graph/passes/halves.ts';
import { optimise } from '../../graph/passes/optimise.ts';
import type { Program } from '../../graph/program.ts';
import { GraphError, type Node, sizeOf, type Tensor } from '../../graph/tensor.ts';
import { topologicalOrder } from '../../graph/topology.ts';
import { evaluateNode } from '../reference/evaluate.ts';
import { Builder } from './builder.ts';
import { composites, ruleOf } from './composites.ts';
import { type Plan, type PlannedOutput, writes } from './instructions.ts';
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
 * @param midway values on the same graph, which are computed before all else: the run then waits for the feeds that they do not need
 */
export function lower(
  given: Program,
  feeds: ReadonlySet<string>,
  precision: Precision,
  midway?: Program,
): Plan {
  const simpler = (all: Program) =>
    optimise(all, {
      keep: kept,
      decompositions: { convFilterGrad: filterGradByTaps },
      evaluate: evaluateNode,
    });
  const [optimised, early]: readonly [Program, Program?] = midway
    ? withMidway(given, midway, simpler)
    : [simpler(given)];
  const asked = Object.entries(early?.outputs ?? {});
  const first = topologicalOrder(asked.map(([, tensor]) => tensor));
  const rest = schedule(optimised, new Set(first));
  const order = [...first, ...rest];
  const wanted = [...Object.values(optimised.outputs), ...asked.map(([, tensor]) => tensor)];
  const narrow = precision === 'bf16' ? narrowTensors(order, wanted) : new Set<Tensor>();
  const builder = new Builder();
  const views = new Map<Tensor, View>();
  const writeAll = (nodes: readonly Node[]) => {
    for (const node of nodes) {
      const results = write(builder, node, views, feeds, precision, narrow);
      node.outputs.forEach((output, i) => {
        views.set(output, results[i]!);
      });
    }
  };
  const planned = ([name, tensor]: readonly [string, Tensor]): PlannedOutput => {
    const { dtype, shape } = tensor;
    return { name, dtype, shape, view: builder.dense(builder.as(dtype, views.get(tensor)!)) };
  };
  writeAll(first);
  const questions = asked.map(planned);
  writeAll(rest);
  const outputs = Object.entries(optimised.outputs).map(planned);
  const all = [...outputs, ...questions];
  const needed = withoutUnread(builder.instructions, all);
  const instructions = recomputeLong(needed, all, (bytes) => builder.buffer(bytes));
  const layout = layOut(instructions, all);
  const inputs = [...views].flatMap(([{ node }, view]) => {
    const { source, id } = view.buffer;
    const isFed = node.operation === inputOperation && source && 'feed' in source && layout.offsets.has(id);
    return isFed ? [{ name: source.feed, view }] : [];
  });
  if (!midway) return { instructions, feeds: inputs, outputs, ...layout };
  const last = new Set(questions.map(({ view }) => view.buffer));
  const at = 1 + instructions.findLastIndex((each) => writes(each).some(({ buffer }) => last.has(buffer)));
  return { instructions, feeds: inputs, outputs, midway: { at, outputs: questions }, ...layout };
}

/**
 * A topological order that computes later outputs first. Gradients of the last layers thus release their inputs
 * before those of the first layers are computed.
 * @param settled nodes that are computed before
 */
function schedule({ outputs }: Program, settled: ReadonlySet<Node>): Node[] {
  const [first, ...rest] = Object.values(outputs);
  return topologicalOrder([...(first ? [first] : []), ...rest.reverse()], settled);
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
