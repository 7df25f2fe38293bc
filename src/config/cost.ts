import { patchCount } from '../image/size.ts';
import type { DecoderConfig, EncoderConfig, StackSize } from '../models/config.ts';
import { decoderOf } from '../models/decoders/table.ts';
import { visibleTokens } from '../nn/masking.ts';
import { stackFlops } from '../nn/stack-flops.ts';
import type { OwnTasks } from '../tasks/own.ts';
import { taskOf } from '../tasks/table.ts';
import type { Config } from './schema.ts';

/**
 * Floating-point operations of the matrix products of one training step per image: a multiplication and an addition
 * for each product, forward once and backward twice, all patches predicted (34.9e9 for ViT-B/16 at 224×224 with 75 % of its
 * tokens removed; losses of removed patches alone take 1.6 % less).
 */
export function stepFlops({ model, task }: Pick<Config, 'model' | 'task'>): number {
  const { mask, guide } = taskOf(task);
  const patches = patchCount(model);
  const visible = mask ? visibleTokens(patches, task.maskRatio) : patches;
  const decoder = decoderOf(model.decoder);
  const encoded = decoder.fillsEncoder ? patches : visible;
  const known = encoded + (guide ? patches + (model.classToken ? 1 : 0) : 0);
  const forward =
    encoderFlops(model, encoded) +
    (guide ? encoderFlops(model, patches) : 0) +
    decoder.flops(model, { tokens: known, removed: patches - visible, patches });
  return 3 * forward;
}

/** Operations of the encoder for an image with this number of visible patches. */
function encoderFlops(model: EncoderConfig, patches: number): number {
  const tokens = patches + (model.classToken ? 1 : 0);
  return (
    2 * patches * model.patch ** 2 * model.channels * model.width +
    stackFlops(tokens, model.width, model.depth, model.mlpRatio)
  );
}

/** The same of one fine-tuning step: all tokens, and a head for `classes` classes in place of the decoder. */
export function finetuneFlops({ model }: { readonly model: EncoderConfig }, classes: number): number {
  return 3 * (encoderFlops(model, patchCount(model)) + 2 * model.width * classes);
}

/** Numbers that a training step keeps for each value of a token, in each block. */
const KEPT = 30;

/**
 * Memory of a training step per image, in bytes, estimated: activations kept for the backward pass, in float32. Measured peaks with
 * onnxruntime: ViT-B/16 with 75 % of its tokens removed 97 MB (estimate 95 MB); engines that plan memory stay below.
 */
export function trainingBytes({ model, task }: Sized, own?: OwnTasks): number {
  const patches = patchCount(model);
  const { decoder } = model;
  const { fillsEncoder } = decoderOf(decoder ?? {});
  const { mask, guide } = task ? taskOf(task, own) : {};
  const visible = task && mask && !fillsEncoder ? visibleTokens(patches, task.maskRatio) : patches;
  const stack = (tokens: number, { width, depth, heads }: StackSize) =>
    depth * (KEPT * tokens * width + heads * tokens ** 2);
  const encoder = stack(visible, model) + (guide ? stack(patches, model) : 0);
  return 4 * (encoder + (decoder && decoder.kind !== 'linear' ? stack(patches, decoder) : 0));
}

/** Settings that determine a step's memory. */
export interface Sized {
  readonly model: EncoderConfig & { readonly decoder?: DecoderConfig };
  readonly task?: { readonly name: string; readonly mask?: string; readonly maskRatio: number };
}
