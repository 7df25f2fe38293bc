import { cast, input, type Program, program } from '../graph/index.ts';
import type { Normalisation } from '../image/normalise.ts';
import { type ClassifierConfig, classifierParameters, features } from '../models/classifier.ts';
import { fromPicture } from '../nn/normalise.ts';
import type { ParameterSpec } from '../nn/parameters.ts';
import { weightInputs } from './pretrain.ts';

/** An encoder, and how its tokens become one vector. */
export type FeatureConfig = Omit<ClassifierConfig, 'classes'>;

/** The weights that features depend on. Throws RangeError where sizes, or pooling and class token, do not fit. */
export function featureParameters(config: FeatureConfig): ParameterSpec[] {
  return classifierParameters({ ...config, classes: 2 }).filter(({ part }) => part !== 'head');
}

/** view u8 [B, C, H, W] → `features` [B, D]; the weights are taken by name. */
export function featureProgram(config: FeatureConfig, normalisation: Normalisation, batch: number): Program {
  const weights = weightInputs(featureParameters(config));
  const view = input('view', [batch, config.channels, ...config.image], 'u8');
  const image = fromPicture(cast(view, 'f32'), normalisation, 1 / 255);
  return program('features', { features: features(config, weights, image) });
}
