import type { EncoderConfig } from '../models/autoencoder.ts';
import type { StackSize } from '../models/sizes.ts';
import type { Config } from './schema.ts';

/**
 * Floating-point operations of the matrix products of one training step per image: a multiplication and an addition
 * for each product, forward once and backward twice, all patches predicted (34.9e9 for ViT-B/16 at 224×224 with 75 % of its
 * tokens removed; losses of removed patches alone take 1.6 % less).
 * @param masks whether the task removes tokens
 */
export function stepFlops({ model, task }: Pick<Config, 'model' | 'task'>, masks: boolean): number {
  const patches = (model.image[0] / model.patch) * (model.image[1] / model.patch);
  const visible = masks ? Math.floor(patches * (1 - task.maskRatio) + 1e-9) : patches;
  const values = model.patch ** 2 * model.channels;
  const tokens = visible + (model.classToken ? 1 : 0);
  const forward =
    2 * visible * values * model.width +
    stackFlops(tokens, model.width, model.depth, model.mlpRatio) +
    2 * tokens * model.width * model.decoder.width +
    stackFlops(patches + tokens - visible, model.decoder.width, model.decoder.depth, model.mlpRatio) +
    2 * patches * model.decoder.width * values;
  return 3 * forward;
}

/** The same of one fine-tuning step: all tokens, and a head for `classes` classes in place of the decoder. */
export function finetuneFlops({ model }: { readonly model: EncoderConfig }, classes: number): number {
  const patches = (model.image[0] / model.patch) * (model.image[1] / model.patch);
  const tokens = patches + (model.classToken ? 1 : 0);
  const forward =
    2 * patches * model.patch ** 2 * model.channels * model.width +
    stackFlops(tokens, model.width, model.depth, model.mlpRatio) +
    2 * model.width * classes;
  return 3 * forward;
}

/** Blocks of attention (four square layers, two products of tokens with tokens) and an MLP. */
function stackFlops(tokens: number, width: number, depth: number, mlpRatio: number): number {
  return depth * (2 * tokens * width ** 2 * (4 + 2 * mlpRatio) + 4 * tokens ** 2 * width);
}

/** Numbers that a training step keeps for each value of a token, in each block. */
const KEPT = 30;

/**
 * Memory of a training step per image, in bytes, estimated: activations kept for the backward pass, in float32. Measured peaks with
 * onnxruntime: ViT-B/16 with 75 % of its tokens removed 97 MB (estimate 95 MB); engines that plan memory stay below.
 * @param masks whether the task removes tokens
 */
export function trainingBytes({ model, task }: Sized, masks: boolean): number {
  const patches = (model.image[0] / model.patch) * (model.image[1] / model.patch);
  const visible = masks && task ? Math.floor(patches * (1 - task.maskRatio) + 1e-9) : patches;
  const stack = (tokens: number, { width, depth, heads }: StackSize) =>
    depth * (KEPT * tokens * width + heads * tokens ** 2);
  return 4 * (stack(visible, model) + (model.decoder ? stack(patches, model.decoder) : 0));
}

/** What a step's memory follows from. */
export interface Sized {
  readonly model: EncoderConfig & { readonly decoder?: StackSize };
  readonly task?: { readonly maskRatio: number };
}
