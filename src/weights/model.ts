import { openTensorFile } from '../io/tensor-file.ts';
import type { TensorFile } from '../io/tensor-file-types.ts';
import type { NamedTarget } from '../nn/targets/target.ts';
import { isCheckpoint } from '../run/checkpoint.ts';
import { RunError } from '../run/error.ts';
import type { FoundModel, Model, ModelDescription } from './description.ts';
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
 *   model, and for options that contradict a file of this project, or the system's error
 */
export async function openModel(path: string, options: OpenModelOptions = {}): Promise<Model> {
  return (await findModel(path, options)).load();
}

/** The model that `openModel` would open, without its weights. Throws the same errors. */
export async function findModel(path: string, options: OpenModelOptions = {}): Promise<FoundModel> {
  return understand(await openTensorFile(await findModelFile(path)), options);
}

/** The model of an open file. Throws FileFormatError if the model is not supported, RunError for options that contradict it. */
export async function understand(file: TensorFile, options: OpenModelOptions): Promise<FoundModel> {
  if (!isCheckpoint(file.metadata)) return understandForeign(file, options);
  const found = understandOwn(file, options.targets);
  requireStated(found.description, options);
  return found;
}

/** Options are for what a file does not state, and a run states all. Throws RunError for other values than its own. */
function requireStated({ path, encoder }: ModelDescription, { heads, image }: OpenModelOptions): void {
  const rule = "must be that of the model where its file states it, as this project's files do";
  if (image && String(image) !== String(encoder.image))
    throw new RunError(
      `the size of images (--image) ${rule}, got ${image.join('×')} for ${path} of ${encoder.image.join('×')}: leave it out`,
    );
  if (heads !== undefined && heads !== encoder.heads)
    throw new RunError(
      `the number of attention heads ${rule}, got ${heads} for ${path} of ${encoder.heads}: leave it out`,
    );
}
