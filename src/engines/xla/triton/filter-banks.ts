import { type Attributes, type Operation, type Shape, sizeOf } from '../../../graph/tensor.ts';
import type { Rule } from '../stablehlo/rule.ts';
import { kernelCall } from './call.ts';
import { powerOfTwo, type Tile } from './kernel-writer.ts';

/**
 * Convolutions with a small filter bank for each of many images, as groups of channels. cuDNN takes many times as long.
 * Attributes of `conv`. Inputs: x [1, G·C, H, W] and filters [G·O, C, k, l]. Output [1, G·O, H', W'].
 */
export const filterBanksKernel: Operation = {
  name: 'filterBanksKernel',
  role: 'convolution',
  infer: ([x, filters], { padding }) => {
    const [top, left] = padding as readonly (readonly [number, number])[];
    const [, , height, width] = x!.shape as [number, number, number, number];
    const [out, , tall, wide] = filters!.shape as [number, number, number, number];
    const sides = [height + top![0] + top![1] - tall + 1, width + left![0] + left![1] - wide + 1];
    return [{ shape: [1, out, ...sides], dtype: 'f32' }];
  },
  vjp: null,
};

/** True if a convolution has banks of few filters, neither strides nor dilations, and rows that fit into a tile. */
export function fitsFilterBanks(x: Shape, filters: Shape, attributes: Attributes): boolean {
  const { strides, inputDilation, filterDilation, groups } = attributes;
  const plain = [...strides, ...inputDilation, ...filterDilation].every((step) => step === 1);
  const few = groups > 1 && filters[0]! / groups <= 4 && filters[1]! <= 4;
  return plain && few && x[0] === 1 && x[3]! <= TILE && sizeOf(x) < 2 ** 31;
}

/** Pixels of a program. */
const TILE = 1024;

export const filterBanksRules: Readonly<Record<string, Rule>> = {
  filterBanksKernel: (writer, { attributes, outputs: [result] }, [x, filters]) => {
    const { groups, padding } = attributes;
    const [[top], [left]] = padding as readonly [readonly [number, number], readonly [number, number]];
    const [, , height, width] = x!.shape as [number, number, number, number];
    const [all, channels, tall, wide] = filters!.shape as [number, number, number, number];
    const [, , toHeight, toWidth] = result!.shape as [number, number, number, number];
    const out = all / groups;
    const columns = powerOfTwo(toWidth);
    const rows = Math.max(1, TILE / columns);
    return kernelCall(writer, {
      name: 'filter_banks',
      grid: [groups, Math.ceil(toHeight / rows)],
      warps: 4,
      operands: [x!, filters!],
      results: [{ shape: result!.shape, type: 'f32' }],
      write: (k, [fromX, fromFilters, to]) => {
        const group = k.program('x');
        const row = k.add(k.mul(k.program('y'), rows), k.range(rows));
        const column = k.range(columns);
        const zero = k.full(0, [rows, columns], 'f32');
        const sums = k.loop(tall, 1, new Array<Tile>(out).fill(zero), (i, state) => {
          const y = k.add(k.sub(row, top), i);
          const inRows = k.as('column', k.and(k.less(-1, y), k.less(y, height)));
          const next = [...state];
          for (let j = 0; j < wide; j++) {
            const across = k.add(column, j - left);
            const inside = k.and(inRows, k.as('row', k.and(k.less(-1, across), k.less(across, width))));
            for (let channel = 0; channel < channels; channel++) {
              const line = k.add(k.mul(k.add(k.mul(group, channels), channel), height), y);
              const at = k.add(k.mul(k.as('column', line), width), k.as('row', across));
              const value = k.convert(k.load(fromX!, at, inside), 'f32');
              for (let filter = 0; filter < out; filter++) {
                const bank = k.add(k.mul(k.add(k.mul(group, out), filter), channels), channel);
                const tap = k.load(fromFilters!, k.add(k.mul(k.add(k.mul(bank, tall), i), wide), j));
                next[filter] = k.multiplyAdd(value, k.convert(tap, 'f32'), next[filter]!);
              }
            }
          }
          return next;
        });
        const inside = k.and(k.as('column', k.less(row, toHeight)), k.as('row', k.less(column, toWidth)));
        sums.forEach((sum, filter) => {
          const line = k.add(k.mul(k.add(k.mul(group, out), filter), toHeight), row);
          k.store(to!, k.add(k.mul(k.as('column', line), toWidth), k.as('row', column)), sum, inside);
        });
      },
    });
  },
};
