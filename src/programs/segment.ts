import type { SegmentConfig } from '../config/segment-schema.ts';
import type { Parameter } from '../engines/engine.ts';
import { cast, input, type Program, program } from '../graph/index.ts';
import type { Normalisation } from '../image/normalise.ts';
import { type SegmenterConfig, segment, segmenterLoss, segmenterParameters } from '../models/segmenter.ts';
import { isAuxiliary } from '../models/upernet.ts';
import { fromPicture } from '../nn/normalise.ts';
import type { ParameterSpec } from '../nn/parameters.ts';
import { layerDecay, parameterGroups } from '../optim/groups.ts';
import { predictingWeights } from './averaged.ts';
import { gradientOutputs, weightInputs } from './pretrain.ts';

export interface SegmenterProgramOptions extends Normalisation {
  readonly model: SegmenterConfig;
  /** Images a run of the gradients' program takes. */
  readonly batch: number;
  readonly training: Pick<SegmentConfig['training'], 'weightDecay' | 'layerDecay' | 'dropPath' | 'lossOver'>;
  /** Share of the channels that UperNet drops before its last layer. */
  readonly dropout: number;
}

/** The training program of a segmenter. All programs take the weights by name. */
export interface SegmenterPrograms {
  /**
   * `view` u8 [B, C, H, W] on the scale 0–255, `masks` u8 [B, H, W] (class numbers, 255 where there is none), with drop path `dropPath`
   * [B, depth, 2], with dropout `dropout` and, for an auxiliary head, `dropout:auxiliary` [B, 1, 1, channels] → `loss`,
   * `grad:<weight>`, and `next:<tensor>` for each kept statistic
   */
  readonly gradients: Program;
  /** All state tensors, trained or not. */
  readonly specs: readonly ParameterSpec[];
  readonly parameters: readonly Parameter[];
  /** The outputs that overwrite kept statistics: see `TrainingPlan.state`. */
  readonly state: Readonly<Record<string, string>>;
}

/** Builds the training program of a run. Throws RangeError where sizes do not fit each other. */
export function segmenterPrograms(options: SegmenterProgramOptions): SegmenterPrograms {
  const { model, training, batch } = options;
  const { head, channels, image, depth } = model;
  const specs = segmenterParameters(model);
  const parameters = parameterGroups(specs, training.weightDecay, layerDecay(training.layerDecay, depth));
  const weights = weightInputs(specs);
  const view = input('view', [batch, channels, ...image], 'u8');
  const masks = input('masks', [batch, ...image], 'u8');
  const dropPath = training.dropPath > 0 ? input('dropPath', [batch, depth, 2]) : undefined;
  const drops = head.kind === 'upernet' && options.dropout > 0;
  const dropout = drops && {
    main: input('dropout', [batch, 1, 1, head.channels]),
    ...(head.auxiliary && { auxiliary: input('dropout:auxiliary', [batch, 1, 1, head.auxiliary]) }),
  };
  const { loss, statistics } = segmenterLoss(
    model,
    weights,
    fromPicture(cast(view, 'f32'), options, 1 / 255),
    masks,
    {
      dropPath,
      ...(dropout && { dropout }),
      over: training.lossOver === 'all' ? 'all pixels' : 'labelled pixels',
    },
  );
  const next = [...statistics].map(([name, value]) => [`next:${name}`, name, value] as const);
  return {
    gradients: program('gradients', {
      loss,
      ...gradientOutputs(loss, parameters, weights),
      ...Object.fromEntries(next.map(([output, , value]) => [output, value])),
    }),
    specs,
    parameters,
    state: Object.fromEntries(next.map(([output, name]) => [output, name])),
  };
}

/**
 * The program of predictions: `image` f32 [B, C, H, W], normalised → `logits` [B, h, w, classes].
 * @param averaged true: by the moving average of the weights, in the optimizer's slot `ema`
 */
export function segmentProgram(model: SegmenterConfig, batch: number, averaged = false): Program {
  const weights = predictingWeights(predictingParameters(model), averaged);
  const image = input('image', [batch, model.channels, ...model.image]);
  return program('segment', { logits: segment(model, weights, image).logits });
}

/** The state tensors that predictions need: all but those of the auxiliary head. */
export function predictingParameters(model: SegmenterConfig): ParameterSpec[] {
  return segmenterParameters(model).filter(({ name }) => !isAuxiliary(name.replace(/^head\./, '')));
}
