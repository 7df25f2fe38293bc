import {
  applyAll,
  concat,
  constant,
  defineOperation,
  refuse,
  sizeOf,
  sliceAxis,
  type Tensor,
} from '../graph/index.ts';

const splitOperation = defineOperation({
  name: 'split',
  infer: ([x], { axis, count }) => {
    if ((x!.shape[axis] ?? 0) % count !== 0) refuse('split', `axis ${axis} must divide into ${count}`, [x!]);
    const shape = x!.shape.map((side, i) => (i === axis ? side / count : side));
    return Array.from({ length: count }, () => ({ shape, dtype: x!.dtype }));
  },
  // One pass; the gradients of slices would be padded and added up.
  vjp: ({ outputs, attributes: { axis } }, dy) => [
    concat(
      dy.map((cotangent, i) => cotangent ?? zeros(outputs[i]!)),
      axis,
    ),
  ],
  decompose: ({ outputs, attributes: { axis } }, [x]) =>
    outputs.map(({ shape }, i) => sliceAxis(x!, axis, i * shape[axis]!, (i + 1) * shape[axis]!)),
});

const zeros = ({ shape }: Tensor) => constant(new Float32Array(sizeOf(shape)), shape);

/** Cuts a tensor into `count` equal parts along `axis`. */
export function split(x: Tensor, axis: number, count: number): Tensor[] {
  return applyAll(splitOperation, [x], { axis, count });
}
