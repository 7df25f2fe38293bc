import { openTensorFile } from '../io/tensor-file.ts';
import type { TensorFile } from '../io/tensor-file-types.ts';
import type { NamedTarget } from '../nn/targets/target.ts';
import { isCheckpoint } from '../run/checkpoint.ts';
import type { FoundModel, Model } from './description.ts';
import { findModelFile } from './find.ts';
import { type ForeignOptions, understandForeign } from './in/foreign.ts';
import { understandOwn } from './own.ts';

export type { FoundModel, Model, ModelDescription } from './description.ts';
export { modelParameters } from './parameters.ts';

export interface OpenModelOptions extends ForeignOptions {
  /** Targets of the user's own. The decoder of a run with one is left out where the target is not given. */
  readonly targets?: readonly NamedTarget[] | undefined;
}

/**
 * Opens a model:
 * - a file of weights, safetensors or PyTorch's (.pth, .pt, .bin; nothing in it is executed), of this project or with
 *   the names of timm, MAE, the paper's code or Hugging Face,
 * - the folder of a run: its best checkpoint, else its newest,
 * - a folder of Hugging Face or timm, with its `config.json`.
 *
 * @throws FileFormatError for a file that is broken or holds an unsupported model, RunError for a folder without a
 *   model, or the system's error
 */
export async function openModel(path: string, options: OpenModelOptions = {}): Promise<Model> {
  return (await findModel(path, options)).load();
}

/** The model that `openModel` would open, without its weights. Throws the same errors. */
export async function findModel(path: string, options: OpenModelOptions = {}): Promise<FoundModel> {
  return understand(await openTensorFile(await findModelFile(path)), options);
}

/** The model of an open file. Throws FileFormatError if the model is not supported. */
export async function understand(file: TensorFile, options: OpenModelOptions): Promise<FoundModel> {
  return isCheckpoint(file.metadata)
    ? understandOwn(file, options.targets)
    : understandForeign(file, options);
}
