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
  sliceAxis,
  type Tensor,
} from '../graph/index.ts';
import type { Normalisation } from '../image/normalise.ts';
import { patchCount } from '../image/size.ts';
import { autoencoderParameters } from '../models/autoencoder.ts';
import { pool } from '../models/classifier.ts';
import { encode } from '../models/encoder.ts';
import { fromPicture, toPicture } from '../nn/normalise.ts';
import type { ParameterSpec, Weights } from '../nn/parameters.ts';
import { targetOf } from '../nn/targets/table.ts';
import { parameterGroups } from '../optim/groups.ts';
import { drawInputs } from '../tasks/draws.ts';
import { shownShare } from '../tasks/shown.ts';
import type { Draws } from '../tasks/task.ts';
import { drawnPatches, knownPicture, recoveryErrors } from './recovery.ts';
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
   * view [B, C, Hv, Wv] → `losses` [B] by image; and where there are pixels to compare `errors:model` [B], the mean squared errors of
   * reconstructions over the pixels that the encoder does not see (see `recoveryErrors`), and `errors:means`, those of flat patches with the means
   * that the encoder's input shows.
   */
  readonly heldOut: Program;
  /**
   * view [B, C, Hv, Wv] → pictures [B, C, H, W] on the scale [0, 1], not clipped: `original` (the predicted
   * picture), `degraded` and, of targets that can be drawn, `reconstruction`: normalised patches have the statistics that the encoder's input shows
   * (see `seenStatistics`), in `withStatistics` those of the original's patches, and `statistics` is a prediction of 0 with these,
   * both for targets that need statistics; `mask`
   * [B, N], 1 for removed tokens; `shown` [B, 1, H, W], where the encoder's input lies in the picture, if not everywhere (see `shownShare`).
   */
  readonly reconstruct: Program;
  /** view [B, C, H, W] → `features`, the mean of the patches' tokens after the final norm, of shape [B, D]. */
  readonly features: Program;
  /** view [B, C, H, W] → `tokens` [B, N, D], the patches' tokens after the final norm. */
  readonly tokens: Program;
  /** view [B, C, Hv, Wv] → `features` [B, D], the mean of the tokens that the encoder makes of the degraded image, as training does. */
  readonly degradedFeatures: Program;
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
    heldOut: program('held-out', { losses: graph.losses, ...recoveryErrors(task, graph, view, draws) }),
    reconstruct: program('reconstruct', pictures(options, graph, view, draws)),
    ...encoderPrograms(options, weights),
    degradedFeatures: program('degraded-features', {
      features: pool({ ...model, pooling: 'mean' }, graph.tokens),
    }),
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
  graph: TaskGraph,
  view: Tensor,
  draws: Draws,
): Record<string, Tensor> {
  const { context, degraded, prediction, mask } = graph;
  const original = task.clean(view, context, draws);
  const { statistics } = knownPicture(task, graph, draws);
  const picture = (values: Tensor, by: Tensor) => {
    const drawn = drawnPatches(values, by, context);
    return drawn && toPicture(drawn, context);
  };
  const reconstruction = picture(prediction, statistics.drawn);
  const shown = shownShare(task, degraded, draws, context);
  return {
    original: toPicture(original, context),
    degraded: toPicture(degraded, context),
    ...(reconstruction && {
      reconstruction,
      ...(!targetOf(model.target).plain && {
        withStatistics: picture(prediction, original)!,
        statistics: picture(mul(prediction, 0), original)!,
      }),
    }),
    mask: mask ?? constant(new Float32Array(batch * patchCount(model)), [batch, patchCount(model)]),
    ...(shown && { shown }),
  };
}

/** As in MAE's global pooling, the class token is left out. */
function encoderPrograms(
  { model, batch, ...normalisation }: PretrainOptions,
  weights: Weights,
): Pick<PretrainPrograms, 'features' | 'tokens'> {
  const images = input('view', [batch, model.channels, ...model.image], 'u8');
  const tokens = encode(model, weights, fromBytes(images, normalisation));
  const patches = sliceAxis(tokens, 1, model.classToken ? 1 : 0, tokens.shape[1]!);
  return {
    features: program('features', { features: pool({ ...model, pooling: 'mean' }, tokens) }),
    tokens: program('tokens', { tokens: patches }),
  };
}
