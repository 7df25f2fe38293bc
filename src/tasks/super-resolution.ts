import { matmul, type Tensor } from '../graph/index.ts';
import { areaRows, project } from '../nn/area.ts';
import { plain } from './plain.ts';
import type { PretextTask } from './task.ts';

/** Halves the resolution: shrinks by area and enlarges again. */
export const superResolution: PretextTask = {
  ...plain,
  name: 'super-resolution',
  summary: 'shrunk to half of its resolution and enlarged again',
  degrade: (view, _, { image: [height, width] }) => project(view, coarsen(height), coarsen(width)),
};

/** The matrix [side, side] that shrinks and enlarges one axis. */
function coarsen(side: number): Tensor {
  const half = Math.round(side / 2);
  return matmul(areaRows(half, side), areaRows(side, half));
}
