import type { Size } from '../../image/size.ts';
import { modelSize } from '../../models/sizes.ts';
import { plural } from '../../text/plural.ts';
import type { ConfigInput } from '../schema.ts';
import { type Advised, type ImageFacts, isSmall, MEASURED, TRIED } from './facts.ts';

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
const PATCHES = [2, 4, 7, 8, 12, 14, 16];
/**
 * `fewest` patches along a side, `least` where the side has no better divisor, and the `values` of a patch, over its channels, below which it
 * says too little.
 */
const USUAL = { fewest: 6, least: 4, values: 40 };
/** The same of small grey images. */
const GREY = { fewest: 2, least: 2, values: 196 };
/** Patches along a side below which half of them stay: three of four removed leave a single one. */
const COARSE = 4;
/** Patches that one correlation length should span: with two, MAE's 16 of 224 pixels follow for photographs. */
const SPAN = 2;
const SPATIAL = 'arXiv 2508.15404: larger patches and mask ratios give features of longer range';

/**
 * Sizes of images, patches and model, and the share of an image that a view shows, for a model of a named size. They fit given ones.
 * @param why that size
 */
export function geometryFor(
  facts: ImageFacts,
  { name, side: most, patches }: Suited,
  why: string,
  given: ConfigInput['model'] = {},
): readonly Advised[] {
  const { depth, decoder, ...stack } = modelSize(name);
  const image = given.image ?? squareFor(sideFor(facts.side, most), given.patch);
  const side = Math.min(...image);
  const whole = facts.correlationLength * side;
  const isGrey = facts.channels === 1 && isSmall(facts);
  const dividing = given.image ? divisorsOf(given.image) : PATCHES;
  const patch =
    given.patch ?? patchFor(side, dividing, facts.channels, whole / SPAN, patches, isGrey ? GREY : USUAL);
  const count = (image[0] * image[1]) / patch ** 2;
  const shown = shareShown(whole / patch, side / facts.side);
  const length = whole / shown;
  const span = length / patch;
  const isCoarse = side / patch < COARSE;
  const maskRatio = isCoarse ? 0.5 : span < 1 ? 0.6 : span > 4 ? 0.8 : 0.75;
  const { width, heads } = fitting(stack, given.width);
  const of = { source: `size ${name}` };
  return [
    {
      setting: 'model.image',
      value: image,
      reason:
        side < facts.side - 3
          ? `the images have ${plural(facts.side, 'pixel')} across; ${side} are what a model of size ${name} can use in the time`
          : `the images have ${plural(facts.side, 'pixel')} across`,
      source: MEASURED,
    },
    ...(shown < 1 ? cropReasons(shown, whole) : []),
    {
      setting: 'model.patch',
      value: patch,
      reason: isGrey
        ? `small grey images need large patches; ${patch} pixels make ${count} of them`
        : `pixels of a view are correlated over ${plural(rounded(length), 'pixel')}: a patch of ${patch} makes ${plural(count, 'patch', 'patches')}`,
      source: isGrey ? TRIED : SPATIAL,
    },
    {
      setting: 'task.maskRatio',
      value: maskRatio,
      reason: isCoarse
        ? 'of so few patches half must stay'
        : `the correlation length spans ${plural(rounded(span), 'patch', 'patches')}: ${ratioReason(span)}`,
      source: isCoarse ? TRIED : `${SPATIAL}; MAE, arXiv 2111.06377`,
    },
    ...Object.entries({ width, depth, heads }).map(([key, value]) => ({
      ...{ setting: `model.${key}`, value, reason: why, ...of },
    })),
    ...Object.entries({ ...decoder, ...fitting(decoder, given.decoder?.width) }).map(([key, value]) => ({
      ...{ setting: `model.decoder.${key}`, value, reason: 'a light decoder', ...of },
    })),
  ];
}

/**
 * Side of a view relative to the image's shorter side: 1 where the correlation length of whole images, shrunk to the model's, spans a
 * patch; else as much less, but not below the image's own pixels.
 */
function shareShown(span: number, own: number): number {
  return span >= 1 || own >= 1 ? 1 : Number(Math.min(1, Math.max(own, span)).toFixed(3));
}

function cropReasons(shown: number, whole: number): Advised[] {
  const why = {
    reason: `details of ${plural(rounded(whole), 'pixel')} would vanish in whole images: views show ${Math.round(100 * shown)} % of the shorter side`,
    source: MEASURED,
  };
  const area = shown ** 2;
  const scale = [area / 2, Math.min(1, 2 * area)].map((share) => Number(share.toPrecision(2)));
  return [
    { setting: 'data.scale', value: scale, ...why },
    { setting: 'data.evaluationCrop', value: shown, ...why },
  ];
}

const rounded = (value: number) => Number(value.toPrecision(2));

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

/** A square image of about that side, which given patches divide. */
function squareFor(side: number, patch = 1): Size {
  const whole = patch === 1 ? side : Math.max(2 * patch, side - (side % patch));
  return [whole, whole];
}

/** Sides of patches that divide a given image, from 2 pixels on. */
function divisorsOf([height, width]: Size): number[] {
  const sides = Array.from({ length: Math.min(height, width) }, (_, i) => i + 1).slice(1);
  return sides.filter((side) => height % side === 0 && width % side === 0);
}

/** A width with heads that divide it: no more than the size has. */
function fitting({ width: usual, heads }: { width: number; heads: number }, width = usual) {
  const most = Array.from({ length: heads }, (_, i) => heads - i);
  return { width, heads: most.find((each) => width % each === 0) ?? 1 };
}

/** The patch nearest to a length that holds enough values, among sizes that divide the side into neither too few nor too many. */
function patchFor(
  side: number,
  sizes: readonly number[],
  channels: number,
  length: number,
  most: number,
  { fewest, least, values }: typeof USUAL,
): number {
  const dividing = sizes.filter((patch) => side % patch === 0 && side / patch >= least);
  const usual = dividing.filter((patch) => side / patch >= fewest && side / patch <= most);
  const wanted = Math.max(length, Math.sqrt(values / channels));
  const distance = (patch: number) => Math.abs(Math.log(patch / wanted));
  const choices = [usual, dividing, [PATCHES[0]!]].find(({ length }) => length > 0)!;
  return choices.reduce((best, patch) => (distance(patch) < distance(best) ? patch : best));
}
