import { plural } from '../../text/plural.ts';
import { concat, sliceAxis } from '../operations/shape.ts';
import { zeros } from '../operations/source.ts';
import { defineComposite } from '../signatures.ts';
import { applyAll, refuse, requireFloat, type Tensor } from '../tensor.ts';

const splitOperation = defineComposite<'split'>({
  name: 'split',
  role: 'move',
  infer: (inputs, { axis, count }) => {
    requireFloat('split', inputs);
    const [x] = inputs;
    const part = (x.shape[axis] ?? Number.NaN) / count;
    if (!Number.isInteger(part))
      refuse('split', `axis ${axis} must divide into ${plural(count, 'part')}`, inputs);
    const shape = x.shape.map((side, i) => (i === axis ? part : side));
    return Array.from({ length: count }, () => ({ shape, dtype: 'f32' as const }));
  },
  // One concatenation. The gradients of separate slices would be padded and added.
  vjp: ({ outputs, attributes: { axis } }, dy) => [
    concat(
      dy.map((cotangent, i) => cotangent ?? zeros(outputs[i]!.shape)),
      axis,
    ),
  ],
  decompose: ({ outputs, attributes: { axis } }, [x]) =>
    outputs.map(({ shape }, i) => sliceAxis(x, axis, i * shape[axis]!, (i + 1) * shape[axis]!)),
});

/** Cuts a tensor into `count` equal parts along `axis`. */
export function split(x: Tensor, axis: number, count: number): Tensor[] {
  return applyAll(splitOperation, [x], { axis, count });
}
