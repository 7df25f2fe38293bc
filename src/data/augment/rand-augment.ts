import type { Rng } from '../../random/rng.ts';
import type { RawImage } from '../sources/dataset.ts';
import { operations } from './operations.ts';

/** A RandAugment policy (Cubuk et al., arXiv 1909.13719, with timm's additions). */
export interface RandAugmentPolicy {
  /** m: magnitude, 10 by default. */
  readonly magnitude: number;
  /** n: how many operations are drawn for an image (with replacement), 2 by default. */
  readonly layers: number;
  /** p: the probability that a drawn operation is carried out, ½ by default. */
  readonly probability: number;
  /** mstd: standard deviation of the magnitude, 0 by default; infinite: uniform between 0 and m. */
  readonly deviation: number;
  /** mmax: the largest magnitude, 10 by default. */
  readonly maximum: number;
  /** inc: whether all operations grow stronger with the magnitude, no by default. */
  readonly increasing: boolean;
}

const RULE =
  "a RandAugment policy is 'rand' and then any of m, n, p, mstd, mmax, inc with a number, as in rand-m9-mstd0.5-inc1";

/**
 * Reads a policy as timm writes it, e.g. `rand-m9-mstd0.5-inc1`. A deviation above 100, or `inf`, is infinite.
 * Throws RangeError for other text, and for timm's other sets of operations (t, formerly w).
 */
export function parseRandAugment(text: string): RandAugmentPolicy {
  const [head, ...parts] = text.split('-');
  if (head !== 'rand') throw new RangeError(`${RULE}; got '${text}'`);
  const values = new Map<string, number>();
  for (const part of parts) {
    const [, key = '', digits = ''] = /^([a-z]+?)([\d.].*|inf|)$/.exec(part) ?? [];
    if (key.startsWith('w') || key.startsWith('t'))
      throw new RangeError(
        `a RandAugment policy cannot weight its operations or choose others here, got '${part}' in '${text}'`,
      );
    const check = SECTIONS[key];
    if (!check) throw new RangeError(`${RULE}; got '${part}' in '${text}'`);
    if (values.has(key)) throw new RangeError(`a RandAugment policy says ${key} once, got '${text}'`);
    const value = digits === 'inf' ? Number.POSITIVE_INFINITY : digits === '' ? Number.NaN : Number(digits);
    if (!check.allows(value))
      throw new RangeError(`${key} of a RandAugment policy ${check.rule}, got '${part}'`);
    values.set(key, value);
  }
  const deviation = values.get('mstd') ?? 0;
  return {
    magnitude: values.get('m') ?? 10,
    layers: values.get('n') ?? 2,
    probability: values.get('p') ?? 0.5,
    deviation: deviation > 100 ? Number.POSITIVE_INFINITY : deviation,
    maximum: values.get('mmax') || 10, // 0 means the default in timm
    increasing: values.get('inc') === 1,
  };
}

interface Section {
  readonly allows: (value: number) => boolean;
  readonly rule: string;
}

const whole: Section = {
  allows: (value) => Number.isInteger(value) && value >= 0 && value <= 1000,
  rule: 'must be a whole number from 0 to 1000',
};
const SECTIONS: Readonly<Record<string, Section>> = {
  m: whole,
  n: whole,
  mmax: whole,
  p: { allows: (value) => value >= 0 && value <= 1, rule: 'must lie in [0, 1]' },
  mstd: { allows: (value) => value >= 0, rule: 'must be a number ≥ 0 or inf' },
  inc: { allows: (value) => value === 0 || value === 1, rule: 'must be 0 or 1' },
};

/**
 * Draws and carries out the operations of one image. What a warp uncovers shows `fill`, a value 0 … 255 per channel;
 * every warp is bilinear or bicubic with equal probability.
 */
export function randAugment(
  image: RawImage,
  policy: RandAugmentPolicy,
  fill: readonly number[],
  rng: Rng,
): RawImage {
  const choices = Object.values(operations(policy.increasing));
  let result = image;
  for (let layer = 0; layer < policy.layers; layer++) {
    const { argument, apply } = choices[rng.int(choices.length)]!;
    if (rng.uniform() >= policy.probability) continue;
    const magnitude = Math.max(0, Math.min(drawMagnitude(policy, rng), policy.maximum));
    const sign = rng.int(2) === 0 ? 1 : -1;
    const interpolation = rng.int(2) === 0 ? 'bilinear' : 'bicubic';
    result = apply(result, argument(magnitude, sign), { interpolation, fill });
  }
  return result;
}

/** The magnitude of one operation, before it is limited to the range 0 … maximum. */
export function drawMagnitude({ magnitude, deviation }: RandAugmentPolicy, rng: Rng): number {
  if (deviation === 0) return magnitude;
  if (deviation === Number.POSITIVE_INFINITY) return rng.uniform(0, magnitude);
  return rng.normal(magnitude, deviation);
}
