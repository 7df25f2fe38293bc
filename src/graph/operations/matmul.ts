import { apply, defineOperation, refuse, requireFloat, type Tensor } from '../tensor.ts';
import { sumTo } from './shape.ts';

export interface MatmulOptions {
  /** Reads a as [..., K, M]. */
  readonly transposeA?: boolean;
  /** Reads b as [..., N, K]. */
  readonly transposeB?: boolean;
  /** Scales the product. */
  readonly alpha?: number;
}

const matmulOperation = defineOperation({
  name: 'matmul',
  infer: (inputs, { transposeA, transposeB }) => {
    requireFloat('matmul', inputs);
    const [a, b] = inputs as [Tensor, Tensor];
    if (a.shape.length < 2 || b.shape.length < 2) refuse('matmul', 'operands must be matrices', inputs);
    const [m, k] = lastTwo(a, transposeA);
    const [kb, n] = lastTwo(b, transposeB);
    if (k !== kb) refuse('matmul', `inner sides must agree (${k} and ${kb})`, inputs);
    const rank = Math.max(a.shape.length, b.shape.length);
    const batch = Array.from({ length: rank - 2 }, (_, i) => {
      const x = a.shape[i - rank + a.shape.length] ?? 1;
      const y = b.shape[i - rank + b.shape.length] ?? 1;
      if (x !== y && x !== 1 && y !== 1) refuse('matmul', 'batch sides must be equal or 1', inputs);
      return Math.max(x, y);
    });
    return [{ shape: [...batch, m, n], dtype: 'f32' }];
  },
  // Two products again, whatever the transposes: nothing larger than an operand is made.
  vjp: ({ inputs: [a, b], attributes: { transposeA, transposeB, alpha } }, [dy]) => {
    const da = transposeA
      ? matmul(b!, dy!, { transposeA: transposeB, transposeB: true, alpha })
      : matmul(dy!, b!, { transposeB: !transposeB, alpha });
    const db = transposeB
      ? matmul(dy!, a!, { transposeA: true, transposeB: transposeA, alpha })
      : matmul(a!, dy!, { transposeA: !transposeA, alpha });
    return [sumTo(da, a!.shape), sumTo(db, b!.shape)];
  },
});

function lastTwo(x: Tensor, transposed: boolean): [number, number] {
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  return transposed ? [columns, rows] : [rows, columns];
}

/** alpha · a · b for matrices in the last two axes, batch axes broadcast: [..., M, K] · [..., K, N] → [..., M, N]. */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const { transposeA = false, transposeB = false, alpha = 1 } = options;
  return apply(matmulOperation, [a, b], { transposeA, transposeB, alpha });
}
