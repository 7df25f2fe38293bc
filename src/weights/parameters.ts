import type { Shape } from '../graph/index.ts';
import { FileFormatError } from '../io/file-format-error.ts';
import { autoencoderParameters } from '../models/autoencoder.ts';
import { classifierParameters } from '../models/classifier.ts';
import { detectorParameters } from '../models/detector.ts';
import { encoderParameters } from '../models/encoder.ts';
import { segmenterParameters } from '../models/segmenter.ts';
import type { ParameterSpec } from '../nn/parameters.ts';
import type { Model } from './description.ts';

/** The encoder, and the decoder or head of a model. */
export type ModelParts = Pick<Model, 'encoder' | 'decoder' | 'classifier' | 'segmenter' | 'detector'>;

/** The state tensors of a model. Throws RangeError if sizes do not fit each other. */
export function modelParameters({
  encoder,
  decoder,
  classifier,
  segmenter,
  detector,
}: ModelParts): ParameterSpec[] {
  const specs = [
    ...(segmenter
      ? segmenterParameters(segmenter)
      : classifier
        ? classifierParameters(classifier)
        : detector
          ? detectorParameters(detector)
          : encoderParameters(encoder)),
    ...(decoder ? autoencoderParameters(decoder) : []),
  ];
  return [...new Map(specs.map((spec) => [spec.name, spec])).values()];
}

/** Throws FileFormatError unless a tensor has the shape of the model's sizes. */
export function requireShape(path: string, name: string, got: Shape, expected: Shape): void {
  if (got.length === expected.length && got.every((n, i) => n === expected[i])) return;
  throw new FileFormatError(path, `tensor ${name} must have the shape ${JSON.stringify(expected)}`, got);
}
