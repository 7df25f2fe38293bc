import { type Operation, type Shape, sizeOf } from '../../../graph/tensor.ts';
import type { Rule } from '../stablehlo/rule.ts';
import { kernelCall } from './call.ts';
import type { KernelWriter, Tile } from './kernel-writer.ts';

/** x · Φ(x) in one kernel. */
export const geluKernel: Operation = {
  name: 'geluKernel',
  role: 'activation',
  infer: ([x]) => [x!],
  vjp: null,
};

/** dx of x and dy [M, N], and sums of dx over parts of the rows [P, N]. */
export const geluGradKernel: Operation = {
  name: 'geluGradKernel',
  role: 'activation',
  infer: ([x]) => [x!, { shape: [partsOf(x!.shape[0]!), x!.shape[1]!], dtype: 'f32' }],
  vjp: null,
};

/** Programs that share the rows. */
const partsOf = (rows: number) => Math.min(256, rows);

const BLOCK = 1024;

export const geluRules: Readonly<Record<string, Rule>> = {
  geluKernel: (writer, _, [x]) =>
    kernelCall(writer, {
      name: 'gelu',
      grid: [Math.ceil(sizeOf(x!.shape) / BLOCK)],
      warps: 2,
      operands: [x!],
      results: [{ shape: x!.shape, type: 'bf16' }],
      write: (k, [from, to]) => {
        const at = k.add(k.mul(k.program('x'), BLOCK), k.range(BLOCK));
        const inside = k.less(at, sizeOf(x!.shape));
        const value = k.convert(k.load(from!, at, inside), 'f32');
        k.store(to!, at, k.mul(value, normal(k, value).phi), inside);
      },
    }),
  geluGradKernel: (writer, { outputs: [, parts] }, [x, dy]) => {
    const [rows, width] = x!.shape as [number, number];
    const [side, columns] = width > 1024 ? [2, 512] : [4, 256];
    const each = Math.ceil(rows / parts!.shape[0]! / side) * side;
    return kernelCall(writer, {
      name: 'gelu_grad',
      grid: [parts!.shape[0]!, Math.ceil(width / columns)],
      warps: 4,
      operands: [x!, dy!],
      results: [
        { shape: x!.shape, type: 'bf16' },
        { shape: parts!.shape, type: 'f32' },
      ],
      write: (k, [fromX, fromDy, toDx, toParts]) => {
        const part = k.program('x');
        const column = k.add(k.mul(k.program('y'), columns), k.range(columns));
        const inWidth = k.less(column, width);
        const [sums] = k.loop(each, side, [k.full(0, [side, columns], 'f32')], (i, [sum]) => {
          const row = k.add(k.add(k.mul(part, each), i), k.range(side));
          const at = k.add(k.mul(k.as('column', row), width), k.as('row', column));
          const inside = k.and(k.as('column', k.less(row, rows)), k.as('row', inWidth));
          const [value, gradient] = [fromX, fromDy].map((from) =>
            k.convert(k.load(from!, at, inside), 'f32'),
          );
          const { phi, density } = normal(k, value!);
          const dx = k.convert(k.mul(gradient!, k.multiplyAdd(value!, density, phi)), 'bf16');
          k.store(toDx!, at, dx, inside);
          return [k.add(sum!, k.convert(dx, 'f32'))];
        });
        k.store(toParts!, k.add(k.mul(part, width), column), k.reduce(sums!, 0, 'add'), inWidth);
      },
    });
  },
};

/**
 * Φ(x), the normal distribution's cumulative function, to 1e-7, and its density. By formula 7.1.26 of Abramowitz and
 * Stegun's Handbook of Mathematical Functions, which shares one exponential between both.
 */
function normal(k: KernelWriter, x: Tile): { phi: Tile; density: Tile } {
  const exponential = k.exp2(k.mul(k.mul(x, x), -0.5 * Math.LOG2E));
  const t = k.div(1, k.multiplyAdd(k.abs(x), 0.3275911 * Math.SQRT1_2, 1));
  const [first, ...others] = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592].map(
    (c) => c / 2,
  );
  const polynomial = others.reduce<Tile>(
    (sum, c) => k.multiplyAdd(sum, t, c),
    k.full(first!, x.shape, 'f32'),
  );
  const tail = k.mul(k.mul(polynomial, t), exponential); // Φ(−|x|)
  return {
    phi: k.select(k.less(0, x), k.sub(1, tail), tail),
    density: k.mul(exponential, 1 / Math.sqrt(2 * Math.PI)),
  };
}

/** True if the kernels index these values. */
export const fitsGelu = (shape: Shape) => shape.length === 2 && sizeOf(shape) < 2 ** 31;
