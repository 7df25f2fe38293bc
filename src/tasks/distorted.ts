import {
  add,
  cast,
  clip,
  constant,
  floor,
  gather,
  minimum,
  mul,
  pad,
  reshape,
  sliceAxis,
  sqrt,
  square,
  sub,
  type Tensor,
  transpose,
} from '../graph/index.ts';
import type { Size } from '../image/size.ts';
import { plain } from './plain.ts';
import type { Draws, PretextTask } from './task.ts';

/** A fisheye warp: sampled at g + (c − g)·‖c − g‖·k on the grid g of [−1, 1]², bilinear, zeros outside. */
export const distorted: PretextTask = {
  ...plain,
  name: 'distorted',
  summary: 'a fisheye warp around a random centre',
  draws: () => ({ centre: { shape: [2], dtype: 'f32' }, magnitude: { shape: [], dtype: 'f32' } }),
  draw: (rng) => ({
    centre: Float32Array.of(rng.uniform(-1, 1), rng.uniform(-1, 1)), // x, y
    magnitude: Float32Array.of(rng.uniform(0.15, 0.25)),
  }),
  degrade: (view, draws, { image }) => {
    const [x, y] = warp(draws, image);
    return sample(view, x, y);
  },
};

/** The source position of each pixel: column and row as real numbers, [B, H·W, 1] each. */
function warp({ centre, magnitude }: Draws, [height, width]: Size): [x: Tensor, y: Tensor] {
  const batch = magnitude!.shape[0]!;
  const gx = grid(height * width, (i) => i % width, width);
  const gy = grid(height * width, (i) => Math.floor(i / width), height);
  const dx = sub(reshape(sliceAxis(centre!, 1, 0, 1), [batch, 1, 1]), gx);
  const dy = sub(reshape(sliceAxis(centre!, 1, 1, 2), [batch, 1, 1]), gy);
  const strength = mul(sqrt(add(square(dx), square(dy))), reshape(magnitude!, [batch, 1, 1]));
  const pixels = (at: Tensor, side: number) => mul(add(at, 1), (side - 1) / 2);
  return [pixels(add(gx, mul(dx, strength)), width), pixels(add(gy, mul(dy, strength)), height)];
}

/** Coordinates in [−1, 1] of `count` pixels along one axis, corners aligned: [1, count, 1]. */
function grid(count: number, place: (pixel: number) => number, side: number): Tensor {
  const values = Float32Array.from({ length: count }, (_, i) => (2 * place(i)) / Math.max(1, side - 1) - 1);
  return constant(values, [1, count, 1]);
}

/** Bilinear samples of images [B, C, H, W] at columns x and rows y [B, H·W, 1], zeros outside: [B, C, H, W]. */
function sample(image: Tensor, x: Tensor, y: Tensor): Tensor {
  const [batch, channels, height, width] = image.shape as [number, number, number, number];
  // A frame of zeros around the image: all positions outside are clamped to it.
  const framed = pad(image, [0, 0, 1, 1], [0, 0, 1, 1]);
  const pixels = reshape(transpose(framed, [0, 2, 3, 1]), [batch, -1, channels]);
  const [left, right, fromLeft] = neighbours(x, width);
  const [above, below, fromAbove] = neighbours(y, height);
  const corner = (row: Tensor, column: Tensor) => {
    const place = add(mul(add(row, 1), width + 2), add(column, 1));
    return gather(pixels, cast(reshape(place, [batch, -1]), 'i32'));
  };
  const mix = (a: Tensor, b: Tensor, share: Tensor) => add(mul(a, sub(1, share)), mul(b, share));
  const upper = mix(corner(above, left), corner(above, right), fromLeft);
  const lower = mix(corner(below, left), corner(below, right), fromLeft);
  const sampled = mix(upper, lower, fromAbove); // [B, H·W, C]
  return reshape(transpose(sampled, [0, 2, 1]), [batch, channels, height, width]);
}

/** The pixels on either side of a position, from −1 to `side` (both in the frame of zeros), and the weight of the second. */
function neighbours(at: Tensor, side: number): [before: Tensor, after: Tensor, share: Tensor] {
  const place = clip(at, -1, side);
  const before = floor(place);
  return [before, minimum(add(before, 1), side), sub(place, before)];
}
