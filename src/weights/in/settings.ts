import { dirname, join } from 'node:path';
import type { TensorFile } from '../../io/tensor-file-types.ts';
import type { FoundSettings } from './found-settings.ts';
import { huggingFaceSettings } from './huggingface-settings.ts';
import { jsonOf, readJson } from './json.ts';
import { timmSettings } from './timm-settings.ts';

/**
 * Settings from the file's folder and options: `config.json` and `preprocessor_config.json` of Hugging Face,
 * `config.json` of timm, the options (`args`) of the script that saved a PyTorch file. Throws FileFormatError for an
 * unsupported configuration.
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
