import { type ModelSize, modelSize } from '../../models/sizes.ts';
import { type Advised, type ImageFacts, MEASURED } from './facts.ts';

/** Images that suit a size of the model. */
interface Suited {
  readonly name: string;
  /** Fewest images. */
  readonly images: number;
  /** Most pixels, and most patches, along a side. */
  readonly side: number;
  readonly patches: number;
}

/** Sizes in the order in which they are tried. */
export const SIZES: readonly Suited[] = [
  { name: 'base', images: 100_000, side: 224, patches: 14 },
  { name: 'small', images: 20_000, side: 224, patches: 14 },
  { name: 'tiny', images: 2_000, side: 128, patches: 12 },
  { name: 'micro', images: 0, side: 96, patches: 12 },
];

const SIDES = [64, 96, 128, 160, 192, 224];
const PATCHES = [2, 4, 8, 12, 16];
/** Fewest patches along a side, and fewest where the side has no better divisor. */
const [FEWEST, LEAST] = [6, 4];
/** Patches that one correlation length should span: with two, MAE's 16 of 224 pixels follow for photographs. */
const SPAN = 2;
const SPATIAL = 'arXiv 2508.15404: larger patches and mask ratios give features of longer range';

/** Sizes of images, patches and model. */
export interface Geometry {
  readonly size: ModelSize;
  readonly side: number;
  readonly patch: number;
  readonly maskRatio: number;
  readonly reasons: readonly Advised[];
}

/** The sizes that suit images for a model of a named size. */
export function geometryFor(facts: ImageFacts, { name, side: most, patches }: Suited, why: string): Geometry {
  const size = modelSize(name);
  const side = sideFor(facts.side, most);
  const length = facts.correlationLength * side;
  const patch = patchFor(side, length / SPAN, patches);
  const span = length / patch;
  const maskRatio = span < 1 ? 0.6 : span > 4 ? 0.8 : 0.75;
  const pixels = `${Number(length.toPrecision(2))} pixels`;
  const { width, depth, heads, decoder } = size;
  return {
    size,
    side,
    patch,
    maskRatio,
    reasons: [
      {
        setting: 'model.image',
        value: [side, side],
        reason:
          side < facts.side - 3
            ? `the images have ${facts.side} pixels across; ${side} are what a model of size ${name} can use in the time`
            : `the images have ${facts.side} pixels across`,
        source: MEASURED,
      },
      {
        setting: 'model.patch',
        value: patch,
        reason: `at this size pixels are correlated over ${pixels}: a patch of ${patch} makes ${(side / patch) ** 2} patches`,
        source: SPATIAL,
      },
      {
        setting: 'task.maskRatio',
        value: maskRatio,
        reason: `the correlation length spans ${Number(span.toPrecision(2))} patches: ${ratioReason(span)}`,
        source: `${SPATIAL}; MAE, arXiv 2111.06377`,
      },
      { setting: 'model.width', value: width, reason: why, source: `size ${name}` },
      { setting: 'model.depth', value: depth, reason: why, source: `size ${name}` },
      { setting: 'model.heads', value: heads, reason: why, source: `size ${name}` },
      {
        setting: 'model.decoder.width',
        value: decoder.width,
        reason: 'a light decoder',
        source: `size ${name}`,
      },
      {
        setting: 'model.decoder.depth',
        value: decoder.depth,
        reason: 'a light decoder',
        source: `size ${name}`,
      },
      {
        setting: 'model.decoder.heads',
        value: decoder.heads,
        reason: 'a light decoder',
        source: `size ${name}`,
      },
    ],
  };
}

function ratioReason(span: number): string {
  if (span < 1) return 'neighbours say little about a removed patch, so more of them stay';
  return span > 4
    ? 'neighbours say much about a removed patch, so fewer of them stay'
    : "MAE's share suits it";
}

/** Pixels across: those of small images, else the largest usual number that images and model allow. */
function sideFor(native: number, most: number): number {
  if (native < SIDES[0]!) return Math.max(8, 4 * Math.round(native / 4));
  return SIDES.filter((side) => side <= Math.max(SIDES[0]!, Math.min(native, most))).at(-1)!;
}

/** The patch nearest to a length that divides the side into neither too few nor too many. */
function patchFor(side: number, length: number, most: number): number {
  const dividing = PATCHES.filter((patch) => side % patch === 0);
  const fitting = dividing.filter((patch) => side / patch >= FEWEST && side / patch <= most);
  const distance = (patch: number) => Math.abs(Math.log(patch / length));
  const choices = fitting.length > 0 ? fitting : dividing.filter((patch) => side / patch >= LEAST);
  return choices.reduce((best, patch) => (distance(patch) < distance(best) ? patch : best));
}
