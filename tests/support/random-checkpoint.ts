import { type DetectInput, detectorConfig, parseDetectConfig } from '../../src/config/detect-schema.ts';
import {
  classifierConfig,
  type FinetuneInput,
  parseFinetuneConfig,
} from '../../src/config/finetune-schema.ts';
import { type ConfigInput, parseConfig } from '../../src/config/schema.ts';
import { parseSegmentConfig, type SegmentInput, segmenterConfig } from '../../src/config/segment-schema.ts';
import type { Values } from '../../src/graph/index.ts';
import { autoencoderParameters } from '../../src/models/autoencoder.ts';
import { classifierParameters } from '../../src/models/classifier.ts';
import { detectorParameters } from '../../src/models/detector.ts';
import { segmenterParameters } from '../../src/models/segmenter.ts';
import { initialise } from '../../src/nn/init.ts';
import type { ParameterSpec } from '../../src/nn/parameters.ts';
import type { Rng } from '../../src/random/rng.ts';
import { saveCheckpoint } from '../../src/run/checkpoint.ts';
import { detecting } from '../../src/run/kinds/detect.ts';
import { finetuning } from '../../src/run/kinds/finetune.ts';
import { pretraining } from '../../src/run/kinds/pretrain.ts';
import { segmenting } from '../../src/run/kinds/segment.ts';
import { normals } from './random.ts';

const progress = {
  step: 12,
  skipped: 0,
  epoch: 3,
  cursor: { epoch: 3, position: 0 },
  data: 'random',
  engine: 'none',
};

/** A pre-training checkpoint with random weights, larger than initial ones. */
export async function randomCheckpoint(path: string, random: Rng, settings: ConfigInput): Promise<void> {
  const config = parseConfig(settings);
  const parameters = autoencoderParameters(config.model);
  const state = randomState(parameters, random);
  await saveCheckpoint(path, { kind: pretraining, config, progress, state, parameters, slots: [] });
}

/** The same of fine-tuning. */
export async function randomClassifier(
  path: string,
  random: Rng,
  settings: FinetuneInput,
  classes: readonly string[],
): Promise<void> {
  const config = parseFinetuneConfig(settings);
  const parameters = classifierParameters(classifierConfig(config, classes.length));
  const state = randomState(parameters, random);
  await saveCheckpoint(path, { kind: finetuning, config, classes, progress, state, parameters, slots: [] });
}

/** The same of segmentation; class k has the value 10 · k. */
export async function randomSegmenter(
  path: string,
  random: Rng,
  settings: SegmentInput,
  names: readonly string[],
): Promise<void> {
  const classes = names.map((name, k) => ({ name, values: [10 * k], colours: [] }));
  const table = { classes, ignored: { values: [255], colours: [] } };
  const config = parseSegmentConfig({ ...settings, data: { ...settings.data, classes: table } });
  const parameters = segmenterParameters(segmenterConfig(config, names.length));
  const state = randomState(parameters, random);
  for (const { name, shape } of parameters) {
    if (name.endsWith('.running_mean')) state[name] = normals(random, shape[0]!, 0.3);
    if (name.endsWith('.running_var'))
      state[name] = Float32Array.from({ length: shape[0]! }, () => random.uniform(0.5, 2));
  }
  await saveCheckpoint(path, { kind: segmenting, config, progress, state, parameters, slots: [] });
}

/** The same of detection; class k has the id 10 · k. */
export async function randomDetector(
  path: string,
  random: Rng,
  settings: DetectInput,
  names: readonly string[],
): Promise<void> {
  const classes = names.map((name, k) => ({ name, id: 10 * k }));
  const config = parseDetectConfig({ ...settings, data: { ...settings.data, classes } });
  const parameters = detectorParameters(detectorConfig(config, names.length));
  const state = randomState(parameters, random);
  await saveCheckpoint(path, { kind: detecting, config, progress, state, parameters, slots: [] });
}

/** Random weights whose products keep the scale of their inputs, so that every weight affects the result. */
function randomState(specs: readonly ParameterSpec[], random: Rng): Values {
  const start = initialise(specs, random.uint32());
  return Object.fromEntries(
    specs.map(({ name, trainable, decay, shape }) => {
      const values = start[name]!;
      if (!trainable) return [name, values];
      if (decay) return [name, normals(random, values.length, Math.sqrt(shape[0]! / values.length))];
      // Around the initial values: weights of norms that are around 0 would leave the biases alone.
      const noise = normals(random, values.length, 0.3);
      return [name, noise.map((value, i) => value + values[i]!)];
    }),
  );
}
