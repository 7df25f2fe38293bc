import type { LayerParameter } from '../../nn/parameters.ts';
import { positionParameters } from '../../nn/positions.ts';
import type { AutoencoderConfig } from '../config.ts';

/** A decoder's table of positions: sines and cosines, even where the encoder learns its own. */
export function decoderPositions(config: AutoencoderConfig): LayerParameter {
  const positions = config.positions === 'sincos2d' ? 'sincos2d' : 'sincos1d';
  return positionParameters('decoder_pos_embed', { ...config, positions }, config.decoder.width);
}
