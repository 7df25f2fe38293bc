import { add, matmul, reshape, type Tensor } from '../graph/index.ts';

/** Matrices that read boxes from a map [B, H, W, C]: rows [B, R · p, H] and columns [B, R, p, W]; see `roiMatrices`. */
export interface RoiTensors {
  readonly rows: Tensor;
  readonly columns: Tensor;
}

/**
 * ROI align (arXiv 1703.06870) of boxes on the maps of a pyramid as products, whose gradients scatter nothing: [B · R, p, p, C]. Each box
 * has values on one map, and zeros on all others.
 */
export function roiAlign(maps: readonly Tensor[], matrices: readonly RoiTensors[]): Tensor {
  return maps.map((map, i) => roiAlignOf(map, matrices[i]!)).reduce((a, b) => add(a, b));
}

function roiAlignOf(map: Tensor, { rows, columns }: RoiTensors): Tensor {
  const [batch, height, width, channels] = map.shape as [number, number, number, number];
  const [, boxes, bins] = columns.shape as [number, number, number];
  const tall = matmul(rows, reshape(map, [batch, height, width * channels]));
  return matmul(
    reshape(columns, [batch * boxes, 1, bins, width]),
    reshape(tall, [batch * boxes, bins, width, channels]),
  );
}
