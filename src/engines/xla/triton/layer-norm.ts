import { type Operation, type Shape, sizeOf } from '../../../graph/tensor.ts';
import type { Rule } from '../stablehlo/rule.ts';
import { kernelCall } from './call.ts';
import { type KernelWriter, powerOfTwo, type Tile } from './kernel-writer.ts';

/** A layer norm in one kernel. Attribute: epsilon. Inputs: x [..., D], weight, bias. Outputs: y, the rows' means and scales. */
export const layerNormKernel: Operation = {
  name: 'layerNormKernel',
  role: 'norm',
  infer: ([x]) => {
    const statistics = { shape: [...x!.shape.slice(0, -1), 1], dtype: 'f32' } as const;
    return [x!, statistics, statistics];
  },
  vjp: null,
};

/**
 * Gradients of a layer norm in one kernel. Inputs: x [..., D], weight, mean, scale, dy and, optionally, a term that is
 * added to dx. Outputs: dx plus the term [..., D]; sums over parts of the rows [P, 3·D]: the weight's gradient, the bias's
 * gradient, and the first output's.
 */
export const layerNormGradKernel: Operation = {
  name: 'layerNormGradKernel',
  role: 'norm',
  infer: ([x]) => {
    const width = x!.shape.at(-1)!;
    return [x!, { shape: [Math.min(784, sizeOf(x!.shape) / width), 3 * width], dtype: 'f32' }];
  },
  vjp: null,
};

/** True if a row fits into the registers of a program. */
export const fitsLayerNorm = (shape: Shape) => shape.at(-1)! <= 4096 && sizeOf(shape) < 2 ** 31;

export const layerNormRules: Readonly<Record<string, Rule>> = {
  layerNormKernel: (writer, { attributes: { epsilon } }, operands) => {
    const rows = new Rows(operands[0]!.shape);
    const { width, side } = rows;
    const statistics = { shape: [...operands[0]!.shape.slice(0, -1), 1], type: 'f32' as const };
    return kernelCall(writer, {
      name: 'layer_norm',
      grid: [Math.ceil(rows.count / side)],
      warps: rows.warps,
      operands,
      results: [{ shape: operands[0]!.shape, type: 'bf16' }, statistics, statistics],
      write: (k, [fromX, fromWeight, fromBias, toY, toMean, toScale]) => {
        const { at, row, column, inRows, inWidth, inside } = rows.tile(k, k.mul(k.program('x'), side));
        const x = k.convert(k.load(fromX!, at, inside), 'f32');
        const mean = k.mul(k.reduce(x, 1, 'add'), 1 / width);
        const centred = k.select(inside, k.sub(x, k.as('column', mean)), 0);
        const variance = k.mul(k.reduce(k.mul(centred, centred), 1, 'add'), 1 / width);
        const scale = k.rsqrt(k.add(variance, epsilon));
        const [weight, bias] = [fromWeight, fromBias].map((from) =>
          k.as('row', k.load(from!, column, inWidth)),
        );
        const y = k.multiplyAdd(k.mul(centred, k.as('column', scale)), weight!, bias!);
        k.store(toY!, at, y, inside);
        k.store(toMean!, row, mean, inRows);
        k.store(toScale!, row, scale, inRows);
      },
    });
  },
  layerNormGradKernel: (writer, { outputs: [, parts] }, operands) => {
    const [x, , , , , term] = operands;
    const rows = new Rows(x!.shape);
    const { width, side, columns } = rows;
    const count = parts!.shape[0]!;
    const each = Math.ceil(rows.count / count / side) * side;
    return kernelCall(writer, {
      name: 'layer_norm_grad',
      grid: [count],
      warps: rows.warps,
      operands,
      results: [
        { shape: x!.shape, type: 'bf16' },
        { shape: parts!.shape, type: 'f32' },
      ],
      write: (k, pointers) => {
        const [fromX, fromWeight, fromMean, fromScale, fromDy] = pointers;
        const [to, toParts] = pointers.slice(operands.length);
        const part = k.program('x');
        const first = k.mul(part, each);
        const column = k.range(columns);
        const weight = k.as('row', k.load(fromWeight!, column, k.less(column, width)));
        const zero = k.full(0, [side, columns], 'f32');
        const sums = k.loop(each, side, [zero, zero, zero], (i, [ofWeight, ofBias, ofTo]) => {
          const { at, row, inRows, inside } = rows.tile(k, k.add(first, i));
          const value = k.convert(k.load(fromX!, at, inside), 'f32');
          const dy = k.convert(k.load(fromDy!, at, inside), 'f32');
          const [mean, scale] = [fromMean, fromScale].map((from) =>
            k.as('column', k.load(from!, row, inRows)),
          );
          const normal = k.select(inside, k.mul(k.sub(value, mean!), scale!), 0);
          const d = k.mul(dy, weight);
          const [meanD, meanDNormal] = [d, k.mul(d, normal)].map((each) =>
            k.mul(k.as('column', k.reduce(each, 1, 'add')), 1 / width),
          );
          const dx = k.mul(k.sub(k.sub(d, meanD!), k.mul(normal, meanDNormal!)), scale!);
          const added = term ? k.add(dx, k.convert(k.load(pointers[5]!, at, inside), 'f32')) : dx;
          const result = k.convert(k.select(inside, added, 0), 'bf16');
          k.store(to!, at, result, inside);
          return [
            k.multiplyAdd(dy, normal, ofWeight!),
            k.add(ofBias!, dy),
            k.add(ofTo!, k.convert(result, 'f32')),
          ];
        });
        const place = k.add(k.mul(part, 3 * width), column);
        sums.forEach((sum, i) => {
          k.store(toParts!, k.add(place, i * width), k.reduce(sum, 0, 'add'), k.less(column, width));
        });
      },
    });
  },
};

/** Rows of an array [..., D], in tiles of one or two. */
class Rows {
  readonly count: number;
  readonly width: number;
  /** Rows of a tile. */
  readonly side: number;
  /** Columns of a tile: the width, rounded up. */
  readonly columns: number;
  readonly warps: number;

  constructor(shape: Shape) {
    this.width = shape.at(-1)!;
    this.count = sizeOf(shape) / this.width;
    this.side = this.width > 512 ? 1 : 2;
    this.columns = powerOfTwo(this.width);
    this.warps = Math.max(4, this.columns / 256);
  }

  /** The tile from a row on: its offsets, rows and columns, and which of them exist. */
  tile(k: KernelWriter, first: Tile) {
    const [row, column] = [k.add(first, k.range(this.side)), k.range(this.columns)];
    const at = k.add(k.mul(k.as('column', row), this.width), k.as('row', column));
    const [inRows, inWidth] = [k.less(row, this.count), k.less(column, this.width)];
    return { at, row, column, inRows, inWidth, inside: k.and(k.as('column', inRows), k.as('row', inWidth)) };
  }
}
