import { add, constant, mul, type Tensor } from '../graph/index.ts';
import type { Normalisation } from '../image/normalise.ts';

/** Undoes the normalisation: x · std + mean, [B, C, H, W], a picture on the scale [0, 1]. */
export function toPicture(x: Tensor, { mean, std }: Normalisation): Tensor {
  return add(mul(x, byChannel(std)), byChannel(mean));
}

/**
 * Normalises a picture [B, C, H, W]: (picture · scale − mean) / std. @param scale takes the picture to [0, 1]; 1/255
 * for u8
 */
export function fromPicture(picture: Tensor, { mean, std }: Normalisation, scale = 1): Tensor {
  const factor = std.map((sigma) => scale / sigma);
  const shift = mean.map((mu, channel) => -mu / std[channel]!);
  return add(mul(picture, byChannel(factor)), byChannel(shift));
}

const byChannel = (values: readonly number[]) =>
  constant(Float32Array.from(values), [1, values.length, 1, 1]);
