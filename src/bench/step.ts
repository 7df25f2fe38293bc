import { mergeSettings } from '../config/merge.ts';
import { variants } from '../config/recipes/variants.ts';
import type { Config } from '../config/schema.ts';
import type { Complete, TrainingPlan } from '../engines/engine.ts';
import { programFlops } from '../graph/flops.ts';
import type { Values } from '../graph/index.ts';
import { IMAGENET } from '../image/normalise.ts';
import type { Size } from '../image/size.ts';
import type { NamedTensor } from '../io/dtypes.ts';
import type { ClassifierConfig } from '../models/classifier.ts';
import type { AutoencoderConfig, EncoderConfig } from '../models/config.ts';
import type { DetectorConfig } from '../models/detector.ts';
import type { SegmenterConfig } from '../models/segmenter.ts';
import type { ParameterSpec } from '../nn/parameters.ts';
import { adamw } from '../optim/adamw.ts';
import { classifierPrograms } from '../programs/classify.ts';
import { type PretrainPrograms, pretrainPrograms } from '../programs/pretrain.ts';
import { segmenterPrograms } from '../programs/segment.ts';
import { rng } from '../random/rng.ts';
import { programSetup } from '../run/pretrain-programs.ts';
import { drawBatch } from '../tasks/draws.ts';
import { modelFor } from '../tasks/fit.ts';
import type { OwnTasks } from '../tasks/own.ts';
import { task } from '../tasks/table.ts';
import type { PretextTask } from '../tasks/task.ts';

/** A training step with a batch of noise, for measurements. */
export interface BenchStep {
  readonly plan: TrainingPlan;
  readonly inputs: Values;
  /** See `Session.step`. */
  readonly complete?: Complete;
  readonly specs: readonly ParameterSpec[];
  readonly model: AutoencoderConfig | ClassifierConfig | DetectorConfig | SegmenterConfig;
  readonly images: number;
  /** Multiplications and additions of products and convolutions, without recomputed ones. */
  readonly flops: number;
  /** Inputs and settings of another library's step beside weights, view and the model's settings. */
  readonly peer?: { readonly config: object; readonly tensors: ReadonlyMap<string, NamedTensor> };
}

const { mean, std } = IMAGENET;
const CLASSES = 1000;
/** As in Cityscapes. */
const PIXEL_CLASSES = 19;
const heads = {
  linear: { kind: 'linear' },
  upernet: { kind: 'upernet', channels: 384, auxiliary: 256 },
} as const;

export type BenchHead = keyof typeof heads;
export const benchHeads = Object.keys(heads) as BenchHead[];

/**
 * A pre-training step.
 * @param name name of a task or of a variant: `masked-cross`
 * @throws RangeError for an unknown name
 */
export function pretrainStep(base: AutoencoderConfig, name: string, batch: number): BenchStep {
  const { task: taskName, settings } = variants.find((variant) => variant.name === name) ?? { task: name };
  const pretext = task(taskName, settings?.task?.mask);
  const maskRatio = settings?.task?.maskRatio;
  const model = mergeSettings(modelFor(pretext, base), settings?.model ?? {}) as AutoencoderConfig;
  return autoencoderStep(
    pretrainPrograms({ model, task: pretext, maskRatio, batch, mean, std }),
    pretext,
    model,
    batch,
  );
}

/** A pre-training step with the settings of a run. Throws RangeError where they do not fit each other. */
export function stepOf(config: Config, batch: number, own?: OwnTasks): BenchStep {
  const { task, model, programs } = programSetup(config, own);
  return autoencoderStep(programs(batch), task, model, batch);
}

function autoencoderStep(
  { gradients, parameters, specs }: PretrainPrograms,
  pretext: PretextTask,
  model: AutoencoderConfig,
  batch: number,
): BenchStep {
  const streams = Array.from({ length: batch }, (_, i) => rng(3, i));
  const view = noise(batch, pretext.view(model.image), model.channels);
  return {
    plan: { gradients, parameters, rule: adamw({ beta1: 0.9, beta2: 0.95, epsilon: 1e-8 }) },
    inputs: { view, ...drawBatch(pretext, model, streams) },
    specs,
    model,
    images: batch,
    flops: programFlops(gradients),
  };
}

/**
 * A fine-tuning step with 1000 classes, layer-wise learning rates and smoothed labels, without mixing and drop path,
 * so that it is the same in every library.
 */
export function finetuneStep(encoder: AutoencoderConfig, batch: number): BenchStep {
  const model: ClassifierConfig = { ...encoder, classes: CLASSES, pooling: 'mean', fcNorm: true };
  const training = { weightDecay: 0.05, layerDecay: 0.65, dropPath: 0, mixup: 0, cutmix: 0 } as const;
  const mixing = { mixProbability: 0, mixSwitch: 0.5, mixMode: 'batch' } as const;
  const { gradients, parameters, specs } = classifierPrograms({
    model,
    batch,
    mean,
    std,
    training: { ...training, ...mixing },
  });
  const targets = new Float32Array(batch * CLASSES).fill(0.1 / CLASSES);
  const labels = rng(4, 'labels');
  for (let i = 0; i < batch; i++) targets[i * CLASSES + labels.int(CLASSES)]! += 0.9;
  return {
    plan: { gradients, parameters, rule: adamw({ beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }) },
    inputs: { view: noise(batch, model.image), targets },
    specs,
    model,
    images: batch,
    flops: programFlops(gradients),
  };
}

/**
 * A step of semantic segmentation with 19 classes. UperNet takes the tokens of four blocks at equal distances, has 384 channels and an
 * auxiliary head of 256; nothing is dropped, so that the step is the same in every library.
 */
export function segmentStep(encoder: EncoderConfig, head: BenchHead, batch: number): BenchStep {
  const taps = [1, 2, 3, 4].map((quarter) => Math.ceil((quarter * encoder.depth) / 4) - 1);
  const model: SegmenterConfig = {
    ...encoder,
    classes: PIXEL_CLASSES,
    head: head === 'linear' ? heads.linear : { ...heads.upernet, taps },
  };
  const { gradients, parameters, specs, state } = segmenterPrograms({
    model,
    batch,
    mean,
    std,
    training: { weightDecay: 0.05, layerDecay: 0.65, dropPath: 0, lossOver: 'all' },
    dropout: 0,
  });
  const [height, width] = model.image;
  const labels = rng(4, 'masks');
  return {
    plan: { gradients, parameters, state, rule: adamw({ beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }) },
    inputs: {
      view: noise(batch, model.image),
      masks: Uint8Array.from({ length: batch * height * width }, () => labels.int(PIXEL_CLASSES)),
    },
    specs,
    model,
    images: batch,
    flops: programFlops(gradients),
  };
}

/** Random bytes [B, C, H, W]. */
export function noise(batch: number, [height, width]: Size, channels = 3): Uint8Array {
  const stream = rng(2, 'view');
  return Uint8Array.from({ length: batch * channels * height * width }, () => stream.int(256));
}
