import type { FinetuneConfig } from '../config/finetune-schema.ts';
import { type Parameter, slotName } from '../engines/engine.ts';
import { cast, crossEntropy, input, meanAll, type Program, program, type Tensor } from '../graph/index.ts';
import type { Normalisation } from '../image/normalise.ts';
import { type ClassifierConfig, classifierParameters, classify } from '../models/classifier.ts';
import { fromPicture } from '../nn/normalise.ts';
import type { ParameterSpec, Weights } from '../nn/parameters.ts';
import { layerDecay, parameterGroups } from '../optim/groups.ts';
import { mixes, mixImages } from './mix.ts';
import { gradientOutputs, weightInputs } from './pretrain.ts';

export interface ClassifierOptions extends Normalisation {
  readonly model: ClassifierConfig;
  /** Images a run of a program takes. */
  readonly batch: number;
  readonly training: Pick<
    FinetuneConfig['training'],
    | 'weightDecay'
    | 'layerDecay'
    | 'dropPath'
    | 'mixup'
    | 'cutmix'
    | 'mixProbability'
    | 'mixSwitch'
    | 'mixMode'
  >;
}

/** The programs of fine-tuning. All take the weights by name and images as u8 on the scale 0–255 as `view` [B, C, H, W]. */
export interface ClassifierPrograms {
  /**
   * view, `targets` [B, classes], where images are mixed `mix:partners` (as `view`), `mix:rows` [B, H] and `mix:columns`
   * [B, W], with drop path `dropPath` [B, depth, 2] → `loss`, `grad:<weight>`
   */
  readonly gradients: Program;
  /** view → `logits` [B, classes] */
  readonly predict: Program;
  /** The same by the moving average of the weights, in the optimizer's slot `ema`. */
  readonly predictAverage: Program;
  /** All state tensors, trained or not. */
  readonly specs: readonly ParameterSpec[];
  readonly parameters: readonly Parameter[];
}

/** Builds the programs of a run. Throws RangeError where sizes do not fit each other. */
export function classifierPrograms(options: ClassifierOptions): ClassifierPrograms {
  const { model, training } = options;
  const specs = classifierParameters(model);
  const parameters = parameterGroups(
    specs,
    training.weightDecay,
    layerDecay(training.layerDecay, model.depth),
  );
  const weights = weightInputs(specs);
  const averages = weightInputs(
    specs.map((spec) => (spec.trainable ? { ...spec, name: slotName('ema', spec.name) } : spec)),
  );
  const trained = new Set(parameters.map(({ name }) => name));
  const loss = lossOf(options, weights);
  return {
    gradients: program('gradients', { loss, ...gradientOutputs(loss, parameters, weights) }),
    predict: predictor(options, weights),
    predictAverage: predictor(options, (name) => averages(trained.has(name) ? slotName('ema', name) : name)),
    specs,
    parameters,
  };
}

/** Mean cross-entropy of mixed images, with drop path. */
function lossOf(options: ClassifierOptions, weights: Weights): Tensor {
  const { model, batch, training } = options;
  const [height, width] = model.image;
  const images = view(options);
  const mixed = mixes(training)
    ? mixImages(
        images,
        view(options, 'mix:partners'),
        input('mix:rows', [batch, height]),
        input('mix:columns', [batch, width]),
      )
    : images;
  const dropPath = training.dropPath > 0 ? input('dropPath', [batch, model.depth, 2]) : undefined;
  const logits = classify(model, weights, mixed, { dropPath });
  return meanAll(crossEntropy(logits, input('targets', [batch, model.classes])));
}

function predictor(options: ClassifierOptions, weights: Weights): Program {
  return program('predict', { logits: classify(options.model, weights, view(options)) });
}

/** Images of bytes, normalised. */
function view({ model, batch, ...normalisation }: ClassifierOptions, name = 'view'): Tensor {
  const bytes = input(name, [batch, model.channels, ...model.image], 'u8');
  return fromPicture(cast(bytes, 'f32'), normalisation, 1 / 255);
}
