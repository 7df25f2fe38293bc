import { add, gelu, pad, reshape, sliceAxis, type Tensor } from '../graph/index.ts';
import { type Geometry, patchGrid, type Size } from '../image/size.ts';
import { norm } from '../nn/block.ts';
import { convolve, enlargeTwice, maxPool } from '../nn/maps.ts';
import { type LayerParameter, normParameters, parameter, type Weights } from '../nn/parameters.ts';
import type { PyramidScale } from './upernet.ts';

/** The simple feature pyramid on a plain ViT's last map (ViTDet, arXiv 2203.16527). */
export interface Pyramid {
  /** Channels of its maps; 256 in ViTDet. */
  readonly channels: number;
  /** Sizes of the maps relative to the grid of patches, falling. One more map of half the last one's size follows. */
  readonly scales: readonly PyramidScale[];
}

/** The maps of a pyramid: their sizes, and the pixels from one place to the next. */
export function pyramidLevels(
  { scales }: Pick<Pyramid, 'scales'>,
  geometry: Pick<Geometry, 'image' | 'patch'>,
): { readonly size: Size; readonly stride: number }[] {
  const [rows, columns] = patchGrid(geometry);
  const levels = scales.map((scale) => ({
    size: [Math.floor(rows * scale), Math.floor(columns * scale)] as Size,
    stride: geometry.patch / scale,
  }));
  const { size, stride } = levels.at(-1)!;
  const halved = [Math.ceil(size[0] / 2), Math.ceil(size[1] / 2)] as Size;
  return [...levels, { size: halved, stride: 2 * stride }];
}

/** Throws RangeError for scales that do not fall, or that a model's width or grid does not support. */
export function checkPyramid(
  pyramid: Pyramid,
  geometry: Pick<Geometry, 'image' | 'patch'> & { readonly width: number },
): void {
  const { scales } = pyramid;
  if (scales.length === 0 || scales.some((scale, i) => i > 0 && scale >= scales[i - 1]!))
    throw new RangeError(`a pyramid needs scales that fall, got [${scales}]`);
  if (scales[0]! > 1 && geometry.width % 4 !== 0)
    throw new RangeError(`a pyramid needs a width that is a multiple of 4, got ${geometry.width}`);
  const levels = pyramidLevels(pyramid, geometry);
  const small = levels.find(
    ({ size, stride }) => size[0] < 1 || size[1] < 1 || !Number.isInteger(Math.log2(stride)),
  );
  if (small)
    throw new RangeError(
      `each map of a pyramid needs a place at least and a stride that is a power of 2, got ${small.size.join(' × ')} at ${small.stride}`,
    );
}

/** The weights of a pyramid on a map with this number of channels. */
export function pyramidParameters({ channels, scales }: Pyramid, width: number): LayerParameter[] {
  return scales.flatMap((scale, i) => {
    const name = `pyramid.${i}`;
    const first = scale === 4 ? width / 4 : scale === 2 ? width / 2 : width;
    return [
      ...(scale >= 2 ? enlargingParameters(`${name}.up1`, width, width / 2) : []),
      ...(scale === 4
        ? [
            ...normParameters(`${name}.norm`, width / 2),
            ...enlargingParameters(`${name}.up2`, width / 2, first),
          ]
        : []),
      ...unitParameters(`${name}.lateral`, first, channels, 1, 1 / Math.sqrt(first)),
      ...unitParameters(`${name}.output`, channels, channels, 3, 1 / Math.sqrt(9 * channels)),
    ];
  });
}

/** The maps of a pyramid, the largest first, on a map [B, H, W, D]: [B, h, w, channels] each, of the sizes of `pyramidLevels`. */
export function pyramidMaps({ scales }: Pyramid, weights: Weights, map: Tensor): Tensor[] {
  const maps = scales.map((scale, i) => {
    const name = `pyramid.${i}`;
    const x = scaled(map, weights, name, scale);
    return normedUnit(normedUnit(x, weights, `${name}.lateral`), weights, `${name}.output`);
  });
  return [...maps, everySecond(everySecond(maps.at(-1)!, 1), 2)];
}

function scaled(x: Tensor, weights: Weights, name: string, scale: PyramidScale): Tensor {
  if (scale === 1) return x;
  if (scale === 0.5) return maxPool(x);
  const twice = (of: Tensor, part: string) =>
    add(enlargeTwice(of, weights(`${name}.${part}.weight`)), weights(`${name}.${part}.bias`));
  const once = twice(x, 'up1');
  return scale === 2 ? once : twice(gelu(norm(once, weights, `${name}.norm`)), 'up2');
}

/** The places 0, 2, 4 … along an axis. */
function everySecond(x: Tensor, axis: number): Tensor {
  const { shape } = x;
  const half = Math.ceil(shape[axis]! / 2);
  const none = shape.map(() => 0);
  const even = pad(x, none, none.with(axis, 2 * half - shape[axis]!));
  const pairs = reshape(even, [...shape.slice(0, axis), half, 2, ...shape.slice(axis + 1)]);
  return reshape(sliceAxis(pairs, axis + 1, 0, 1), shape.with(axis, half));
}

function enlargingParameters(name: string, from: number, to: number): LayerParameter[] {
  const init = { kind: 'uniform', bound: 1 / Math.sqrt(4 * to) } as const;
  return [parameter(`${name}.weight`, [from, to, 2, 2], init, true), parameter(`${name}.bias`, [to], init)];
}

/** A convolution without a bias, and a norm over its channels. @param bound of the uniform first weights */
export function unitParameters(
  name: string,
  from: number,
  to: number,
  side: number,
  bound: number,
): LayerParameter[] {
  return [
    parameter(`${name}.weight`, [to, from, side, side], { kind: 'uniform', bound }, true),
    ...normParameters(`${name}.norm`, to),
  ];
}

export function normedUnit(x: Tensor, weights: Weights, name: string): Tensor {
  return norm(convolve(x, weights(`${name}.weight`)), weights, `${name}.norm`);
}
