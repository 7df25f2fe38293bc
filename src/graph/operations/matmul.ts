import { definePrimitive } from '../signatures.ts';
import { apply, refuse, requireFloat, type Shape, sizeOf, type Tensor } from '../tensor.ts';
import { reshape, transpose } from './shape.ts';

export interface MatmulOptions {
  /** Reads a as [..., K, M]. */
  readonly transposeA?: boolean;
  /** Reads b as [..., N, K]. */
  readonly transposeB?: boolean;
  /** Scales the product. */
  readonly alpha?: number;
}

const matmulOperation = definePrimitive({
  name: 'matmul',
  role: 'product',
  flops: ({ inputs: [a], attributes: { transposeA }, outputs: [y] }) =>
    2 * a.shape.at(transposeA ? -2 : -1)! * sizeOf(y.shape),
  infer: (inputs, { transposeA, transposeB }) => {
    requireFloat('matmul', inputs);
    const [a, b] = inputs;
    if (a.shape.length < 2 || b.shape.length < 2) refuse('matmul', 'operands must be matrices', inputs);
    const [m, k] = lastTwo(a, transposeA);
    const [kb, n] = lastTwo(b, transposeB);
    if (k !== kb) refuse('matmul', `inner sides must agree (${k} and ${kb})`, inputs);
    const rank = Math.max(a.shape.length, b.shape.length);
    const batch = Array.from({ length: rank - 2 }, (_, i) => {
      const x = a.shape[i - rank + a.shape.length] ?? 1;
      const y = b.shape[i - rank + b.shape.length] ?? 1;
      if (x !== y && x !== 1 && y !== 1) refuse('matmul', 'batch sides must be equal or 1', inputs);
      return x === 1 ? y : x;
    });
    return [{ shape: [...batch, m, n], dtype: 'f32' }];
  },
  // Two products for any transposes and broadcasts. No intermediate is larger than an operand.
  vjp: ({ inputs: [a, b], attributes: { transposeA, transposeB, alpha } }, [dy]) => {
    const da = transposeA
      ? productTo(a.shape, b, dy, { transposeA: transposeB, transposeB: true, alpha })
      : productTo(a.shape, dy, b, { transposeB: !transposeB, alpha });
    const db = transposeB
      ? productTo(b.shape, dy, a, { transposeA: true, transposeB: transposeA, alpha })
      : productTo(b.shape, a, dy, { transposeA: !transposeA, alpha });
    return [da, db];
  },
});

/** A product summed to `shape` over batch axes: they become part of the inner axis, so one product does both. */
function productTo(shape: Shape, a: Tensor, b: Tensor, options: MatmulOptions): Tensor {
  const rank = Math.max(a.shape.length, b.shape.length);
  const full = (sides: Shape) => [...new Array(rank - sides.length).fill(1), ...sides];
  const batch = Array.from({ length: rank - 2 }, (_, axis) => axis);
  const summed = batch.filter((axis) => full(shape)[axis] === 1 && full(a.shape)[axis] !== 1);
  if (summed.length === 0) return reshape(matmul(a, b, options), shape);
  const kept = batch.filter((axis) => !summed.includes(axis));
  const join = (x: Tensor, innerLast: boolean) => {
    const whole = reshape(x, full(x.shape));
    const inner = sizeOf(summed.map((axis) => whole.shape[axis]!)) * whole.shape.at(innerLast ? -1 : -2)!;
    const sides = kept.map((axis) => whole.shape[axis]!);
    return innerLast
      ? reshape(transpose(whole, [...kept, rank - 2, ...summed, rank - 1]), [
          ...sides,
          whole.shape.at(-2)!,
          inner,
        ])
      : reshape(transpose(whole, [...kept, ...summed, rank - 2, rank - 1]), [
          ...sides,
          inner,
          whole.shape.at(-1)!,
        ]);
  };
  const { transposeA = false, transposeB = false } = options;
  return reshape(matmul(join(a, !transposeA), join(b, transposeB), options), shape);
}

function lastTwo(x: Tensor, transposed: boolean): [number, number] {
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  return transposed ? [columns, rows] : [rows, columns];
}

/** alpha · a · b over the last two axes, batch axes broadcast: [..., M, K] · [..., K, N] → [..., M, N]. */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const { transposeA = false, transposeB = false, alpha = 1 } = options;
  return apply(matmulOperation, [a, b], { transposeA, transposeB, alpha });
}
