import type { Level } from '../../detect/anchors.ts';
import { type DeltaScale, MOST_GROWTH } from '../../detect/deltas.ts';
import { SAMPLING } from '../../detect/learn.ts';
import { smallestAreas } from '../../detect/roi-align.ts';
import type { ModelWriter } from '../../engines/onnx/model-writer.ts';

// Geometry of `detect/` in operators of ONNX. Boxes and values are names of a graph's values.

/**
 * ROI align of boxes [count, 4] from maps [1, C, h, w]: f32 [count, bins, bins, C]. Every map reads all boxes, but those of another map without an extent, which
 * costs nothing; their values are dropped.
 */
export function readBoxes(
  writer: ModelWriter,
  { levels, maps }: { readonly levels: readonly Level[]; readonly maps: readonly string[] },
  boxes: string,
  count: number,
  bins: number,
): string {
  const starts = smallestAreas(levels);
  const area = writer.node('ReduceProd', [sidesOf(writer, boxes).size], { axes: [-1], keepdims: 1 }); // [n, 1]
  const images = writer.int64(Array(count).fill(0));
  const each = levels.map(({ stride }, i) => {
    const [from, to] = [
      scalar(writer, starts[i]!),
      scalar(writer, starts[i + 1] ?? Number.POSITIVE_INFINITY),
    ];
    const isHere = writer.node('And', [
      writer.node('GreaterOrEqual', [area, from]),
      writer.node('Less', [area, to]),
    ]);
    const own = where(writer, isHere, boxes, 0);
    const values = writer.node('RoiAlign', [maps[i]!, own, images], {
      ...{ mode: 'avg', coordinate_transformation_mode: 'half_pixel', sampling_ratio: SAMPLING },
      ...{ output_height: bins, output_width: bins, spatial_scale: { float: 1 / stride } },
    });
    return where(writer, reshape(writer, isHere, [count, 1, 1, 1]), values, 0);
  });
  const sum = each.reduce((a, b) => writer.node('Add', [a, b]));
  return writer.node('Transpose', [sum], { perm: [0, 2, 3, 1] });
}

/** See `decode`: boxes [..., 4] and deltas [..., 4]. */
export function decode(
  writer: ModelWriter,
  boxes: string,
  deltas: string,
  { shift, size: scale }: DeltaScale,
): string {
  const { low, size } = sidesOf(writer, boxes);
  const half = (value: string) => writer.node('Mul', [value, scalar(writer, 0.5)]);
  const part = (from: number, by: number) =>
    writer.node('Mul', [slice(writer, deltas, -1, from, from + 2), scalar(writer, 1 / by)]);
  const centre = writer.node('Add', [
    writer.node('Add', [low, half(size)]),
    writer.node('Mul', [part(0, shift), size]),
  ]);
  const growth = writer.node('Exp', [writer.node('Min', [part(2, scale), scalar(writer, MOST_GROWTH)])]);
  const reach = half(writer.node('Mul', [growth, size]));
  return writer.node('Concat', [writer.node('Sub', [centre, reach]), writer.node('Add', [centre, reach])], {
    axis: -1,
  });
}

/** Upper left corners and sizes of boxes, [..., 2] each. */
function sidesOf(writer: ModelWriter, boxes: string) {
  const [low, high] = [slice(writer, boxes, -1, 0, 2), slice(writer, boxes, -1, 2, 4)];
  return { low, size: writer.node('Sub', [high, low]) };
}

/** Boxes [..., 4] cut at the edges: [4], width and height twice. */
export const clip = (writer: ModelWriter, boxes: string, edges: string) =>
  writer.node('Min', [writer.node('Max', [boxes, scalar(writer, 0)]), edges]);

/** True for boxes [..., 4] with an area: [...]. Their corners are in order. */
export const hasArea = (writer: ModelWriter, boxes: string) =>
  greater(writer, writer.node('ReduceMin', [sidesOf(writer, boxes).size], { axes: [-1], keepdims: 0 }), 0);

/** The numbers of the boxes that non-maximum suppression keeps, i64 [n, 3]: image, class and box. */
export function suppress(
  writer: ModelWriter,
  boxes: string,
  scores: string,
  { most, overlap, least }: { readonly most: number; readonly overlap: number; readonly least: number },
): string {
  const options = [writer.int64([most]), scalar(writer, overlap, [1]), scalar(writer, least, [1])];
  return writer.node('NonMaxSuppression', [boxes, scores, ...options]);
}

/** The largest values and their numbers; of equal ones the first comes first. */
export function largest(
  writer: ModelWriter,
  values: string,
  count: number,
): [values: string, numbers: string] {
  return writer.nodeWithOutputs('TopK', [values, writer.int64([count])], 2) as [string, string];
}

/** A column of rows of whole numbers: [n, 3] → [n]. */
export const column = (writer: ModelWriter, rows: string, number: number) =>
  reshape(writer, slice(writer, rows, 1, number, number + 1), [-1]);

/** The places `from` to `to` along an axis. */
export const slice = (writer: ModelWriter, x: string, axis: number, from: number, to: number) =>
  writer.node('Slice', [x, ...[from, to, axis].map((value) => writer.int64([value]))]);

export const reshape = (writer: ModelWriter, x: string, shape: readonly number[]) =>
  writer.node('Reshape', [x, writer.int64(shape)]);

/** `x` where a condition holds, a number elsewhere. */
export const where = (writer: ModelWriter, condition: string, x: string, otherwise: number) =>
  writer.node('Where', [condition, x, scalar(writer, otherwise)]);

/** True where `x` exceeds a number. */
export const greater = (writer: ModelWriter, x: string, than: number) =>
  writer.node('Greater', [x, scalar(writer, than)]);

const scalar = (writer: ModelWriter, value: number, shape: number[] = []) =>
  writer.constant(Float32Array.of(value), shape, 'f32');
