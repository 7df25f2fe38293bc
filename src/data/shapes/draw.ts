import type { Rng } from '../../random/rng.ts';
import type { RawImage } from '../sources/dataset.ts';

/** The classes of the drawn pictures; 0 is what no shape covers. */
export const SHAPES = ['background', 'disc', 'box', 'triangle'] as const;

/** A shape as it is seen: without what others hide. */
export interface DrawnShape {
  /** Index into SHAPES. */
  readonly class: number;
  /** Edges of its visible pixels; the right and the lower one lie behind the last pixel. */
  readonly box: readonly [x0: number, y0: number, x1: number, y1: number];
  /** Its visible pixels, [height, width] of 0 and 1. */
  readonly mask: Uint8Array;
}

/** A drawn picture with its exact masks. */
export interface DrawnPicture {
  readonly image: RawImage;
  /** Class numbers [height, width]. */
  readonly mask: Uint8Array;
  readonly shapes: readonly DrawnShape[];
}

/** True if a pixel lies in a shape, by its centre. */
type Inside = (x: number, y: number) => boolean;

/**
 * A picture of `side` × `side` pixels: one to five discs, boxes and triangles, later ones before earlier ones, in noisy bright colours on a
 * noisy dark ground: whether a pixel is ground shows at the pixel, and which shape it is only in its surroundings. All is drawn from `rng`, in whole numbers and sums and products, so that it is the same everywhere. A pixel is a shape's if its
 * centre lies inside.
 */
export function drawShapes(rng: Rng, side: number): DrawnPicture {
  const owner = new Uint8Array(side * side); // 0, or 1 + the number of the shape on top
  const count = 1 + rng.int(5);
  const classes: number[] = [];
  const colours = [dark(rng)];
  for (let n = 1; n <= count; n++) {
    const kind = 1 + rng.int(SHAPES.length - 1);
    classes.push(kind);
    colours.push(bright(rng));
    const inside = shape(kind, rng, side);
    for (let y = 0, i = 0; y < side; y++)
      for (let x = 0; x < side; x++, i++) if (inside(x + 0.5, y + 0.5)) owner[i] = n;
  }
  const data = new Uint8Array(3 * side * side);
  for (let i = 0; i < owner.length; i++)
    for (let c = 0; c < 3; c++)
      data[3 * i + c] = Math.max(0, Math.min(255, colours[owner[i]!]![c]! + rng.int(41) - 20));
  const shapes = classes.map((of, n) => visible(owner, side, n + 1, of)).filter((each) => each !== undefined);
  return {
    image: { width: side, height: side, channels: 3, data },
    mask: owner.map((n) => (n === 0 ? 0 : classes[n - 1]!)),
    shapes,
  };
}

function shape(kind: number, rng: Rng, side: number): Inside {
  const [cx, cy] = [rng.uniform(0.1, 0.9) * side, rng.uniform(0.1, 0.9) * side];
  const size = rng.uniform(0.1, 0.3) * side;
  if (kind === 1) return (x, y) => (x - cx) * (x - cx) + (y - cy) * (y - cy) <= size * size;
  if (kind === 2) {
    const [w, h] = [size, size * rng.uniform(0.5, 1.5)];
    return (x, y) => x >= cx - w && x <= cx + w && y >= cy - h && y <= cy + h;
  }
  const [top, foot] = [cy - size, cy + size];
  const lean = rng.uniform(-0.5, 0.5) * size;
  const up = rng.int(2) === 0;
  return (x, y) => {
    if (y < top || y > foot) return false;
    const share = (up ? y - top : foot - y) / (foot - top); // of the width, 0 at the tip
    return Math.abs(x - (cx + lean * (1 - share))) <= size * share;
  };
}

const dark = (rng: Rng) => [rng.int(80), rng.int(80), rng.int(80)];

const bright = (rng: Rng) => [100 + rng.int(156), 100 + rng.int(156), 100 + rng.int(156)];

function visible(owner: Uint8Array, side: number, n: number, of: number): DrawnShape | undefined {
  let [x0, y0, x1, y1] = [side, side, 0, 0];
  const mask = owner.map((each) => Number(each === n));
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue;
    const [x, y] = [i % side, Math.floor(i / side)];
    [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x + 1), Math.max(y1, y + 1)];
  }
  return x1 === 0 ? undefined : { class: of, box: [x0, y0, x1, y1], mask };
}
