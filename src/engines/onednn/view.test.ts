import { describe, expect, it } from 'vitest';
import { fc } from '../../../tests/support/random.ts';
import { sizeOf } from '../../graph/tensor.ts';
import { offsets } from '../reference/data.ts';
import {
  broadcasted,
  denseStrides,
  isDense,
  joinAxes,
  permuted,
  reshaped,
  sliced,
  type View,
} from './view.ts';

const dense = (shape: readonly number[]): View => ({
  buffer: { id: 0, bytes: 4 * sizeOf(shape) },
  dtype: 'f32',
  shape,
  strides: denseStrides(shape),
  offset: 0,
});
/** Offset of each element, in order. */
const walk = ({ shape, strides, offset }: View) => [...offsets(shape, strides, offset)];

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
/** A tensor with permuted and sliced axes. */
const views = shapes.chain((shape) =>
  fc
    .tuple(
      fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
      fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: shape.length, maxLength: shape.length }),
    )
    .map(([order, cuts]) => {
      const turned = permuted(dense(shape), order);
      const starts = turned.shape.map((side, axis) => cuts[axis]![0] % side);
      const ends = turned.shape.map(
        (side, axis) => starts[axis]! + 1 + (cuts[axis]![1] % (side - starts[axis]!)),
      );
      return sliced(turned, starts, ends);
    }),
);
/** Another shape with the same number of elements: axes merged, and sides of 1 inserted. */
function regrouped(shape: readonly number[], seed: number): number[] {
  const made: number[] = [];
  for (const [axis, side] of shape.entries())
    if ((seed >> axis) & 1 && made.length > 0) made.push(made.pop()! * side);
    else made.push(1, side);
  return made;
}

describe('views', () => {
  it('reshaped, show the same elements in the same order, or nothing', () => {
    fc.assert(
      fc.property(views, fc.nat(15), (view, seed) => {
        const got = reshaped(view, regrouped(view.shape, seed));
        if (isDense(view)) expect(got).toBeDefined();
        if (got) expect(walk(got)).toEqual(walk(view));
        expect(walk(reshaped(got ?? view, view.shape)!)).toEqual(walk(view));
      }),
    );
  });

  it('joined, are walked together as before', () => {
    fc.assert(
      fc.property(views, (view) => {
        const other = broadcasted({ ...view, shape: view.shape.with(0, 1) }, view.shape);
        const [a, b] = joinAxes([view, other]) as [View, View];
        expect(walk(a)).toEqual(walk(view));
        expect(walk(b)).toEqual(walk(other));
        expect(a.shape).toEqual(b.shape);
      }),
    );
  });
});
