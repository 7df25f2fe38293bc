import { input } from '../operations/source.ts';
import { type Program, program } from '../program.ts';
import { applyAll, type Tensor } from '../tensor.ts';
import { topologicalOrder } from '../topology.ts';

const MIDWAY = 'midway:';

/** A program and its values midway, changed together as one program. @param change keeps the names of outputs */
export function withMidway(
  { name, outputs }: Program,
  midway: Program,
  change: (both: Program) => Program,
): [whole: Program, midway: Program] {
  const named = Object.entries(midway.outputs).map(([key, tensor]) => [`${MIDWAY}${key}`, tensor] as const);
  const both = change(program(name, { ...outputs, ...Object.fromEntries(named) })).outputs;
  const some = (keys: readonly string[], prefix = '') =>
    Object.fromEntries(keys.map((key) => [key, both[`${prefix}${key}`]!]));
  return [
    program(name, some(Object.keys(outputs))),
    program(midway.name, some(Object.keys(midway.outputs), MIDWAY)),
  ];
}

/** Two programs that compute a program one after the other. */
export interface Halves {
  /** The values midway, and the second half's inputs among its values, by names of `isKept`. */
  readonly first: Program;
  /** The outputs of the whole program, from its inputs and the kept values. */
  readonly second: Program;
}

const KEPT = 'kept:';

/** True if a value of the first half is an input of the second. */
export const isKept = (name: string): boolean => name.startsWith(KEPT);

/**
 * Cuts a program in two, so that inputs of the second half can be made of values midway. Values that are moved only, by reshapes and the like, are
 * not kept: the second half moves them itself.
 * @param midway values on the same graph
 */
export function inHalves({ name, outputs }: Program, midway: Program): Halves {
  const before = new Set(topologicalOrder(Object.values(midway.outputs)));
  const kept: Record<string, Tensor> = {};
  const made = new Map<Tensor, Tensor>();
  const follow = (tensor: Tensor): Tensor => {
    const { operation, inputs, attributes, outputs: results } = tensor.node;
    if (operation.role === 'source') return tensor;
    if (!made.has(tensor)) {
      if (before.has(tensor.node) && operation.role !== 'move') {
        const place = `${KEPT}${Object.keys(kept).length}`;
        kept[place] = tensor;
        made.set(tensor, input(place, tensor.shape, tensor.dtype));
      } else {
        const again = applyAll(operation, inputs.map(follow), attributes);
        results.forEach((result, i) => {
          made.set(result, again[i]!);
        });
      }
    }
    return made.get(tensor)!;
  };
  // In order, so that no call goes deep.
  for (const { outputs: results } of topologicalOrder(Object.values(outputs), before)) follow(results[0]!);
  const rest = Object.entries(outputs).map(([key, tensor]) => [key, follow(tensor)] as const);
  return {
    first: program(midway.name, { ...midway.outputs, ...kept }),
    second: program(name, Object.fromEntries(rest)),
  };
}
