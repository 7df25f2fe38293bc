import type { NodeOf } from '../../graph/signatures.ts';
import { broadcastStrides, offsets } from './data.ts';
import type { KernelOf } from './kernel.ts';

/** Offset in the output for each element of the input. */
const targets = ({ inputs: [x], outputs: [y] }: NodeOf<'sum' | 'max'>) =>
  offsets(x.shape, broadcastStrides(y.shape, x.shape));

const reduction =
  (start: number, f: (so: number, x: number) => number): KernelOf<'sum' | 'max'> =>
  (node, [x]) => {
    const size = node.outputs[0].shape.reduce((product, side) => product * side, 1);
    const out = new Float64Array(size).fill(start);
    targets(node).forEach((target, i) => {
      out[target] = f(out[target]!, x[i]!);
    });
    return out;
  };

export const reduce = {
  sum: reduction(0, (so, x) => so + x),
  max: reduction(-Infinity, Math.max),
};
