import { dirname, join } from 'node:path';
import type { Size } from '../../image/size.ts';
import type { EvaluationView } from '../../image/view.ts';
import type { TensorFile } from '../../io/tensor-file.ts';
import type { Pooling } from '../../models/classifier.ts';
import type { PixelNormalisation } from '../../nn/targets/pixels.ts';
import { huggingFaceSettings } from './huggingface-settings.ts';
import { jsonOf, readJson } from './json.ts';
import { timmSettings } from './timm-settings.ts';

/** What the shapes of weights do not tell, as far as it was found beside them. */
export interface FoundSettings {
  /** Files and fields that told it. */
  readonly from: readonly string[];
  readonly heads?: number | undefined;
  readonly decoderHeads?: number | undefined;
  readonly epsilon?: number | undefined;
  /** The size of the model's images. */
  readonly image?: Size | undefined;
  /** Sizes that the model's images have, unless its positions say otherwise. */
  readonly likelyImages?: readonly Size[] | undefined;
  /** Whether the class token has a position. */
  readonly placedToken?: boolean | undefined;
  readonly target?: PixelNormalisation | undefined;
  readonly pooling?: Pooling | undefined;
  /** Names of the classes by their numbers. */
  readonly classes?: Readonly<Record<string, string>> | undefined;
  /** What the head's outputs are, where they are no scores of classes that exclude each other. */
  readonly problem?: 'multi-label' | 'regression' | undefined;
  /** Of pixels in [0, 1]; one number stands for all channels. */
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
  /** The share of the shorter side that a view keeps. */
  readonly evaluationCrop?: number | undefined;
  /** The view that evaluation makes of a picture, for images of a size. Throws FileFormatError where it cannot be made. */
  readonly view?: ((image: Size) => EvaluationView) | undefined;
}

/**
 * Settings beside a file's weights: `config.json` and `preprocessor_config.json` of Hugging Face, `config.json` of timm,
 * the options (`args`) of the script that saved a PyTorch file.
 * Throws FileFormatError for a configuration that the models here cannot follow.
 */
export async function findSettings(file: TensorFile, source: string): Promise<FoundSettings> {
  const folder = dirname(file.path);
  const config = join(folder, 'config.json');
  const found = await readJson(config);
  if (source === 'huggingface') {
    const preprocessor = join(folder, 'preprocessor_config.json');
    return huggingFaceSettings(config, found, preprocessor, await readJson(preprocessor));
  }
  if (found && 'architecture' in found) return timmSettings(config, found);
  const { architecture, arguments: args } = file.metadata; // as this project exports
  if (architecture !== undefined)
    return timmSettings(file.path, { architecture, model_args: jsonOf(file.path, args) });
  const { norm_pix_loss: normalised, input_size: input } = file.settings;
  const isSize = typeof input === 'number' && Number.isInteger(input) && input > 0;
  return {
    from: [normalised, input].some((value) => value !== undefined) ? ['args in the file'] : [],
    ...(typeof normalised === 'boolean' && { target: normalised ? 'patch' : 'none' }),
    ...(isSize && { likelyImages: [[input, input]] }),
  };
}
