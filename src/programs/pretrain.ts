import { gradientName, type Parameter } from '../engines/engine.ts';
import {
  cast,
  constant,
  grad,
  input,
  meanAll,
  mul,
  type Program,
  program,
  type Tensor,
} from '../graph/index.ts';
import type { Normalisation } from '../image/normalise.ts';
import { patchCount } from '../image/size.ts';
import { autoencoderParameters } from '../models/autoencoder.ts';
import { pool } from '../models/classifier.ts';
import { encode } from '../models/encoder.ts';
import { fromPicture, toPicture } from '../nn/normalise.ts';
import type { ParameterSpec, Weights } from '../nn/parameters.ts';
import { unpatchify } from '../nn/patches.ts';
import { seenStatistics } from '../nn/seen-statistics.ts';
import { targetOf } from '../nn/targets/table.ts';
import { parameterGroups } from '../optim/groups.ts';
import { drawInputs } from '../tasks/draws.ts';
import type { Draws } from '../tasks/task.ts';
import { type TaskGraph, type TaskOptions, taskGraph } from './task-graph.ts';

export interface PretrainOptions extends TaskOptions {
  /** Images a run of a program takes. */
  readonly batch: number;
  /** Weight decay of weight matrices. Default: 0.05. */
  readonly weightDecay?: number;
}

/**
 * The programs of pre-training. All take the weights by name and images as u8 on the scale 0–255 as `view`; all but
 * `features` take `draw:<name>` for every draw of the task.
 */
export interface PretrainPrograms {
  /** view [B, C, Hv, Wv] → scalars `loss` and one for each part, `grad:<weight>` */
  readonly gradients: Program;
  /** view [B, C, Hv, Wv] → the scalars of `gradients`, and [B] by image: `losses` and `losses:<part>` */
  readonly loss: Program;
  /**
   * view [B, C, Hv, Wv] → pictures [B, C, H, W] on the scale [0, 1], not clipped: `original` (the predicted
   * picture), `degraded` and, of targets that can be drawn, `reconstruction`: normalised patches have the statistics that the encoder's input shows
   * (see `seenStatistics`), in `withStatistics` those of the original's patches, and `statistics` is a prediction of 0 with these; `mask`
   * [B, N], 1 for removed tokens.
   */
  readonly reconstruct: Program;
  /** view [B, C, H, W] → `features`, the mean of the patches' tokens after the final norm, of shape [B, D]. */
  readonly features: Program;
  /** All state tensors, trained or not. */
  readonly specs: readonly ParameterSpec[];
  /** The trained ones on which the loss depends: without masking, the mask token is left out. */
  readonly parameters: readonly Parameter[];
}

/** Builds the programs of a run. Throws RangeError where sizes, task and model do not fit each other. */
export function pretrainPrograms(options: PretrainOptions): PretrainPrograms {
  const { model, task, batch, weightDecay = 0.05 } = options;
  const specs = autoencoderParameters(model);
  const weights = weightInputs(specs);
  const view = fromBytes(input('view', [batch, model.channels, ...task.view(model.image)], 'u8'), options);
  const draws = drawInputs(task, model, batch);
  const graph = taskGraph(options, weights, view, draws);
  const scalars = lossScalars(graph);
  const loss = program('loss', { ...scalars, ...lossesByImage(graph) });
  const parameters = parameterGroups(specs, weightDecay).filter(({ name }) => name in loss.inputs);
  return {
    gradients: program('gradients', { ...scalars, ...gradientOutputs(scalars.loss!, parameters, weights) }),
    loss,
    reconstruct: program('reconstruct', pictures(options, graph, view, draws)),
    features: featuresProgram(options, weights),
    specs,
    parameters,
  };
}

/** An input for every state tensor. */
export function weightInputs(specs: readonly ParameterSpec[]): Weights {
  const inputs = new Map(specs.map(({ name, shape }) => [name, input(name, shape)]));
  return (name) => inputs.get(name)!;
}

/** `loss` and each of its parts, averaged over the batch. */
export function lossScalars({ losses, parts }: TaskGraph): Record<string, Tensor> {
  const averaged = Object.entries(parts).map(([name, values]) => [name, meanAll(values)]);
  return { loss: meanAll(losses), ...Object.fromEntries(averaged) };
}

/** `losses` and `losses:<part>` [B], by image. */
export function lossesByImage({ losses, parts }: TaskGraph): Record<string, Tensor> {
  const named = Object.entries(parts).map(([name, values]) => [`losses:${name}`, values]);
  return { losses, ...Object.fromEntries(named) };
}

/** `grad:<name>` for every parameter. */
export function gradientOutputs(
  loss: Tensor,
  parameters: readonly { readonly name: string }[],
  weights: Weights,
): Record<string, Tensor> {
  const gradients = grad(
    loss,
    parameters.map(({ name }) => weights(name)),
  );
  return Object.fromEntries(parameters.map(({ name }, i) => [gradientName(name), gradients[i]!]));
}

/** Normalises images of bytes. */
function fromBytes(images: Tensor, normalisation: Normalisation): Tensor {
  return fromPicture(cast(images, 'f32'), normalisation, 1 / 255);
}

function pictures(
  { model, task, batch }: PretrainOptions,
  { context, degraded, prediction, mask }: TaskGraph,
  view: Tensor,
  draws: Draws,
): Record<string, Tensor> {
  const original = task.clean(view, context, draws);
  const toPixels = targetOf(context.target).toPixels;
  const seen = seenStatistics(degraded, mask, context);
  const drawn = (values: Tensor, by: Tensor) =>
    toPixels && toPicture(unpatchify(toPixels(values, by, context), context), context);
  const reconstruction = drawn(prediction, seen);
  return {
    original: toPicture(original, context),
    degraded: toPicture(degraded, context),
    ...(reconstruction && {
      reconstruction,
      withStatistics: drawn(prediction, original)!,
      statistics: drawn(mul(prediction, 0), original)!,
    }),
    mask: mask ?? constant(new Float32Array(batch * patchCount(model)), [batch, patchCount(model)]),
  };
}

/** As in MAE's global pooling, the class token is left out. */
function featuresProgram({ model, batch, ...normalisation }: PretrainOptions, weights: Weights): Program {
  const images = input('view', [batch, model.channels, ...model.image], 'u8');
  const tokens = encode(model, weights, fromBytes(images, normalisation));
  return program('features', { features: pool({ ...model, pooling: 'mean' }, tokens) });
}
