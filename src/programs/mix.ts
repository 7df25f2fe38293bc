import { add, mul, reshape, sub, type Tensor } from '../graph/index.ts';
import type { Size } from '../image/size.ts';
import { beta } from '../random/beta.ts';
import type { Rng } from '../random/rng.ts';

/*
 * mixup (arXiv 1710.09412) and CutMix (arXiv 1905.04899) as timm 1.0.31 does them: image i of B is mixed with its partner,
 * image B − 1 − i. What an image takes from its partner at a pixel is rows · columns: for mixup the same share
 * everywhere, for CutMix 1 inside of a box and 0 elsewhere.
 */

export interface MixOptions {
  /** Alpha of mixup's beta distribution; 0: no mixup. */
  readonly mixup: number;
  /** Alpha of CutMix's beta distribution; 0: no CutMix. */
  readonly cutmix: number;
  /** Probability of mixing at all. */
  readonly mixProbability: number;
  /** Probability of CutMix where mixup is there too. */
  readonly mixSwitch: number;
  /** True: all images of a batch are mixed in the same way, by the first one's draws. */
  readonly mixMode: 'batch' | 'element';
}

/** Rows `top` to `bottom` and columns `left` to `right`, ends excluded. */
export interface CutBox {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** How one image is mixed: it keeps the share `own` of its label; with a box, the partner's pixels are those in it. */
export interface Mix {
  readonly own: number;
  readonly box?: CutBox;
}

/** True if the settings mix images. */
export function mixes({ mixup, cutmix, mixProbability }: MixOptions): boolean {
  return mixProbability > 0 && (mixup > 0 || cutmix > 0);
}

/**
 * Draws how each image of a batch is mixed.
 * @param rngs the stream of each image
 * @param first the stream of the first image of the whole batch, whose images may be on several ranks
 */
export function drawMixes(options: MixOptions, rngs: readonly Rng[], size: Size, first = rngs[0]!): Mix[] {
  const draw = (rng: Rng) => drawMix(options, rng.derive('mix'), size);
  if (options.mixMode === 'element') return rngs.map(draw);
  const shared = draw(first);
  return rngs.map(() => shared);
}

function drawMix({ mixup, cutmix, mixProbability, mixSwitch }: MixOptions, rng: Rng, size: Size): Mix {
  if (rng.uniform() >= mixProbability) return { own: 1 };
  const cuts = cutmix > 0 && (mixup === 0 || rng.uniform() < mixSwitch);
  const own = beta(rng, cuts ? cutmix : mixup);
  if (!cuts) return { own };
  const box = cutBox(own, [rng.int(size[0]), rng.int(size[1])], size);
  // The share of pixels that is left, which is more than drawn where the box reaches beyond the image.
  return { own: 1 - ((box.bottom - box.top) * (box.right - box.left)) / (size[0] * size[1]), box };
}

/**
 * The box around `centre` with √(1 − own) of each side, cut off at the image's borders. An odd side reaches one pixel further
 * after the centre, as since timm 1.0.29; earlier ones (seen: 1.0.9 to 1.0.26) leave that pixel out.
 */
export function cutBox(own: number, [y, x]: Size, [height, width]: Size): CutBox {
  const side = Math.sqrt(1 - own);
  const span = (centre: number, length: number) => {
    const cut = Math.floor(length * side);
    return [
      Math.max(0, centre - Math.floor(cut / 2)),
      Math.min(length, centre + Math.ceil(cut / 2)),
    ] as const;
  };
  const [top, bottom] = span(y, height);
  const [left, right] = span(x, width);
  return { top, bottom, left, right };
}

/** Inputs of `mixImages`: rows [B, H] and columns [B, W]. */
export function mixShares(
  mixes: readonly Mix[],
  [height, width]: Size,
): { rows: Float32Array; columns: Float32Array } {
  const rows = new Float32Array(mixes.length * height);
  const columns = new Float32Array(mixes.length * width);
  mixes.forEach(({ own, box }, i) => {
    if (box) {
      rows.fill(1, i * height + box.top, i * height + box.bottom);
      columns.fill(1, i * width + box.left, i * width + box.right);
    } else {
      rows.fill(1 - own, i * height, (i + 1) * height);
      columns.fill(1, i * width, (i + 1) * width);
    }
  });
  return { rows, columns };
}

/** The partners of a batch of `count` images: their pixels, the last image first. */
export function partnersOf(view: Uint8Array, count: number): Uint8Array {
  const bytes = view.length / count;
  const partners = new Uint8Array(view.length);
  for (let i = 0; i < count; i++)
    partners.set(view.subarray(i * bytes, (i + 1) * bytes), (count - 1 - i) * bytes);
  return partners;
}

/** Each image with its partner, x + (partner − x) · rows · columns: both [B, C, H, W], rows [B, H], columns [B, W]. */
export function mixImages(images: Tensor, partners: Tensor, rows: Tensor, columns: Tensor): Tensor {
  const [batch, , height, width] = images.shape as [number, number, number, number];
  const share = mul(reshape(rows, [batch, 1, height, 1]), reshape(columns, [batch, 1, 1, width]));
  return add(images, mul(sub(partners, images), share));
}

/**
 * Targets of mixed images: own · smooth(label) + (1 − own) · smooth(partner's label), where a smoothed label has
 * 1 − smoothing + smoothing / classes at its class and smoothing / classes elsewhere: [B, classes].
 * @param own [B], the share of each image's own label
 */
export function mixedTargets(
  labels: ArrayLike<number>,
  classes: number,
  own: ArrayLike<number>,
  smoothing: number,
): Float32Array {
  const batch = labels.length;
  const targets = new Float32Array(batch * classes).fill(smoothing / classes);
  for (let i = 0; i < batch; i++) {
    targets[i * classes + labels[i]!]! += own[i]! * (1 - smoothing);
    targets[i * classes + labels[batch - 1 - i]!]! += (1 - own[i]!) * (1 - smoothing);
  }
  return targets;
}
