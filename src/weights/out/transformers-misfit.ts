import type { ClassifierConfig } from '../../models/classifier.ts';
import type { EncoderConfig } from '../../models/config.ts';

/** Why `transformers` does not support a model, and settings for a run whose model it supports. */
export interface Misfit {
  readonly rule: string;
  readonly got: string;
  readonly remedy: string;
}

/** Difference between a model and the Vision Transformers of `transformers`; undefined if there is none. */
export function transformersMisfit(
  encoder: Pick<EncoderConfig, 'classToken'>,
  classifier?: Pick<ClassifierConfig, 'pooling' | 'fcNorm'>,
): Misfit | undefined {
  if (!encoder.classToken)
    return {
      rule: 'a ViT of transformers has a class token',
      got: 'a model without one',
      remedy: '--set model.classToken=true from pre-training on',
    };
  const remedy = '--set model.pooling=token --set model.fcNorm=false';
  if (classifier?.fcNorm)
    return {
      rule: 'a ViT of transformers ends in a norm of its tokens',
      got: 'a classifier that pools before its norm',
      remedy,
    };
  if (classifier?.pooling === 'mean')
    return {
      rule: 'ViTForImageClassification reads the class token',
      got: 'a classifier that reads the mean of the patches',
      remedy,
    };
  return undefined;
}

/** Export formats for a run's model, shown when the run starts. */
export function exportFormatsOf(...model: Parameters<typeof transformersMisfit>): string {
  const misfit = transformersMisfit(...model);
  return misfit ? `timm, onnx; huggingface too with ${misfit.remedy}` : 'timm, onnx, huggingface';
}
