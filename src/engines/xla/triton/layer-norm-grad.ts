import { type Operation, type Shape, sizeOf } from '../../../graph/tensor.ts';
import type { Rule } from '../stablehlo/rule.ts';
import { kernelCall } from './call.ts';
import { powerOfTwo } from './kernel-writer.ts';

/**
 * Gradients of a layer norm in one kernel. Inputs: x [..., D], weight, mean, scale, dy and, optionally, a term that is
 * added to dx. Outputs: dx plus the term [..., D]; sums over parts of the rows [P, D] for the weight's gradient, the bias's
 * gradient, and the first output.
 */
export const layerNormGradKernel: Operation = {
  name: 'layerNormGradKernel',
  role: 'norm',
  infer: ([x]) => {
    const width = x!.shape.at(-1)!;
    const parts = { shape: [Math.min(784, sizeOf(x!.shape) / width), width], dtype: 'f32' } as const;
    return [x!, parts, parts, parts];
  },
  vjp: null,
};

/** True if a row fits into the registers of a program. */
export const fitsLayerNorm = (shape: Shape) => shape.at(-1)! <= 4096 && sizeOf(shape) < 2 ** 31;

export const layerNormRules: Readonly<Record<string, Rule>> = {
  layerNormGradKernel: (writer, { outputs: [, parts] }, operands) => {
    const [x, , , , , term] = operands;
    const [count, width] = parts!.shape as [number, number];
    const rows = sizeOf(x!.shape) / width;
    const side = width > 512 ? 1 : 2;
    const each = Math.ceil(rows / count / side) * side;
    const columns = powerOfTwo(width);
    return kernelCall(writer, {
      name: 'layer_norm_grad',
      grid: [count],
      warps: width > 2048 ? 16 : width > 1024 ? 8 : 4,
      operands,
      results: [
        { shape: x!.shape, type: 'bf16' },
        ...Array.from({ length: 3 }, () => ({ shape: parts!.shape, type: 'f32' as const })),
      ],
      write: (k, pointers) => {
        const [fromX, fromWeight, fromMean, fromScale, fromDy] = pointers;
        const [to, ...toParts] = pointers.slice(operands.length);
        const part = k.program('x');
        const column = k.range(columns);
        const inWidth = k.less(column, width);
        const weight = k.as('row', k.load(fromWeight!, column, inWidth));
        const zero = k.full(0, [side, columns], 'f32');
        const sums = k.loop(each, side, [zero, zero, zero], (i, [ofWeight, ofBias, ofTo]) => {
          const row = k.add(k.add(k.mul(part, each), i), k.range(side));
          const inRows = k.less(row, rows);
          const at = k.add(k.mul(k.as('column', row), width), k.as('row', column));
          const inside = k.and(k.as('column', inRows), k.as('row', inWidth));
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
        const place = k.add(k.mul(part, width), column);
        sums.forEach((sum, i) => {
          k.store(toParts[i]!, place, k.reduce(sum, 0, 'add'), inWidth);
        });
      },
    });
  },
};
