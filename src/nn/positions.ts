import { sizeOf } from '../graph/index.ts';
import { type Geometry, patchCount, patchGrid, type Size } from '../image/size.ts';
import { type LayerParameter, parameter } from './parameters.ts';

/**
 * 1-D sine-cosine table [N, width] over the patches in row-major order; sines and cosines alternate. angle(p, j) = p
 * / 10000^(2⌊j/2⌋ / width) (arXiv 1706.03762, section 3.5).
 */
export function sincos1d([rows, columns]: Size, width: number): Float32Array {
  const table = new Float32Array(rows * columns * width);
  for (let i = 0; i < table.length; i++) {
    const j = i % width;
    const angle = Math.floor(i / width) / 10000 ** ((2 * Math.floor(j / 2)) / width);
    table[i] = j % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  }
  return table;
}

/**
 * MAE's 2-D sine-cosine table [N, width] (arXiv 2111.06377): the first half of the width encodes the column, the
 * second the row; each half holds sines, then cosines. Throws RangeError unless the width is a multiple of 4.
 */
export function sincos2d([rows, columns]: Size, width: number): Float32Array {
  requireQuarters(width);
  const quarter = width / 4;
  const table = new Float32Array(rows * columns * width);
  for (let i = 0; i < table.length; i++) {
    const p = Math.floor(i / width);
    const part = Math.floor((i % width) / quarter); // sines and cosines of the column, then of the row
    const at = part < 2 ? p % columns : Math.floor(p / columns);
    const angle = at / 10000 ** ((i % quarter) / quarter);
    table[i] = part % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  }
  return table;
}

function requireQuarters(width: number): void {
  if (width % 4 !== 0)
    throw new RangeError(`2-D positions need a width that is a multiple of 4, got ${width}`);
}

/** The position table that is added to the tokens: fixed as in the paper, fixed as in MAE, or trained. */
export type Positions = 'sincos1d' | 'sincos2d' | 'learned';

interface Placed extends Geometry {
  readonly classToken: boolean;
  readonly positions: Positions;
}

/**
 * The position table [1, N, width]; a class token adds a row at the front (zeros in the fixed tables). Throws
 * RangeError if the table does not support the width.
 */
export function positionParameters(name: string, config: Placed, width: number): LayerParameter {
  const { classToken, positions } = config;
  const first = classToken ? 1 : 0;
  const shape = [1, first + patchCount(config), width];
  if (positions === 'learned') return parameter(name, shape, { kind: 'truncatedNormal' });
  if (positions === 'sincos2d') requireQuarters(width);
  const table = positions === 'sincos2d' ? sincos2d : sincos1d;
  const values = () => {
    const padded = new Float32Array(sizeOf(shape));
    padded.set(table(patchGrid(config), width), first * width);
    return padded;
  };
  return { name, shape, init: { kind: 'table', values }, trainable: false, decay: false };
}
