import type { Size } from '../image/size.ts';
import { suggestion } from '../text/nearest.ts';
import type { AutoencoderConfig } from './config.ts';

/** Width, depth and number of attention heads of a stack of transformer blocks. */
export interface StackSize {
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
}

export interface ModelSize extends StackSize {
  readonly decoder: StackSize;
  /** Sides of an image and of a patch that the size is meant for. */
  readonly image: Size;
  readonly patch: number;
}

const stack = (width: number, depth: number, heads: number): StackSize => ({ width, depth, heads });
const light = { micro: stack(96, 2, 3), tiny: stack(192, 2, 3), small: stack(256, 4, 4) };
const base = stack(384, 4, 6);
const large = stack(512, 8, 8);
const imagenet = { image: [224, 224], patch: 16 } as const;

/** The sizes of the paper and of MAE; micro is for 32×32 images and for machines without an accelerator. */
export const modelSizes: Readonly<Record<string, ModelSize>> = {
  micro: { ...stack(128, 6, 4), decoder: light.micro, image: [32, 32], patch: 4 },
  tiny: { ...stack(192, 12, 3), decoder: light.tiny, ...imagenet },
  small: { ...stack(384, 12, 6), decoder: light.small, ...imagenet },
  base: { ...stack(768, 12, 12), decoder: base, ...imagenet },
  large: { ...stack(1024, 24, 16), decoder: large, ...imagenet },
  huge: { ...stack(1280, 32, 16), decoder: large, ...imagenet, patch: 14 },
};

export const modelNames: readonly string[] = Object.keys(modelSizes);

/** The size of that name. Throws RangeError for an unknown one. */
export function modelSize(name: string): ModelSize {
  const size = Object.hasOwn(modelSizes, name) ? modelSizes[name] : undefined;
  if (!size)
    throw new RangeError(
      `a model must be one of ${modelNames.join(', ')}, got "${name}"${suggestion(name, modelNames)}`,
    );
  return size;
}

/**
 * An autoencoder of a named size with the paper's options (no class token, 1-D sine-cosine positions, targets
 * normalised per channel), or others where given. Throws RangeError for an unknown name.
 */
export function modelConfig(name: string, options: Partial<AutoencoderConfig> = {}): AutoencoderConfig {
  return {
    ...modelSize(name),
    channels: 3,
    mlpRatio: 4,
    classToken: false,
    positions: 'sincos1d',
    target: 'channel',
    ...options,
  };
}
