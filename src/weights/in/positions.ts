import { patchGrid } from '../../image/size.ts';
import { FileFormatError } from '../../io/file-format-error.ts';
import type { TensorFile } from '../../io/tensor-file-types.ts';
import type { EncoderConfig } from '../../models/config.ts';
import { type Positions, sincos1d, sincos2d } from '../../nn/positions.ts';
import { type Renamed, readRenamed } from './assemble.ts';

/** Tolerance of a stored table: half precision of numbers up to 1, and another order of computing. */
const TOLERANCE = 5e-3;

/**
 * Kind of the positions in a file: one of the fixed tables, or learned. The paper's code computes its table and does
 * not store it. Throws FileFormatError if another project's file has no positions.
 */
export async function positionsOf(
  file: TensorFile,
  renamed: Renamed,
  encoder: Omit<EncoderConfig, 'positions'>,
  source: string,
): Promise<Positions> {
  if (!renamed.shapes.has('pos_embed')) {
    if (source === 'paper') return 'sincos1d';
    if (encoder.relativePositions) return 'learned'; // zeros
    throw new FileFormatError(file.path, 'models here add a table of positions, pos_embed', 'none');
  }
  const { pos_embed: stored } = await readRenamed(file, renamed, ['pos_embed']);
  const grid = patchGrid(encoder);
  const tables = {
    sincos1d,
    ...(encoder.width % 4 === 0 && { sincos2d }),
  };
  for (const [name, table] of Object.entries(tables)) {
    const computed = table(grid, encoder.width);
    const first = stored!.length - computed.length; // of the class token, zeros in the fixed tables
    const near = stored!.every((value, i) => Math.abs(value - (computed[i - first] ?? 0)) < TOLERANCE);
    if (first >= 0 && near) return name as Positions;
  }
  return 'learned';
}
