import { linear, reshape, type Tensor, transpose } from '../../graph/index.ts';
import { norm } from '../../nn/block.ts';
import { type LayerParameter, linearParameters, normParameters, type Weights } from '../../nn/parameters.ts';
import { type TargetChoice, targetOf } from '../../nn/targets/table.ts';
import type { AutoencoderConfig } from '../config.ts';

/** The last layers of every decoder: a norm, if the decoder has blocks, and a linear layer to the target's values. */
export function headParameters(config: AutoencoderConfig, width: number, normed: boolean): LayerParameter[] {
  return [
    ...(normed ? normParameters('decoder_norm', width) : []),
    ...linearParameters('decoder_pred', width, targetOf(config.target).size(config)),
  ];
}

/** A target's values from tokens [B, M, width]: [B, M, size]. */
export function predict(config: AutoencoderConfig, weights: Weights, x: Tensor, normed: boolean): Tensor {
  const values = (of: string) => valueOrder(weights(`decoder_pred.${of}`), config);
  return linear(
    normed ? norm(x, weights, 'decoder_norm', config.epsilon) : x,
    values('weight'),
    values('bias'),
  );
}

/** Rows of a weight in the order of the target's values. Of pixels they are stored as (row, column, channel). */
function valueOrder(
  weight: Tensor,
  { target, channels }: { target: TargetChoice; channels: number },
): Tensor {
  if (!targetOf(target).toPixels) return weight;
  const values = reshape(weight, [-1, channels, ...weight.shape.slice(1)]);
  return reshape(transpose(values, [1, 0, ...values.shape.slice(2).map((_, i) => i + 2)]), weight.shape);
}
