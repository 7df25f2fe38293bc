import type { DecoderConfig, DecoderKind } from '../config.ts';
import { crossDecoder } from './cross.ts';
import type { Decoder } from './decoder.ts';
import { linearDecoder } from './linear.ts';
import { transformerDecoder } from './transformer.ts';

/** Kinds of decoders by the names of the setting `model.decoder.kind`. */
export const decoders: Readonly<Record<DecoderKind, Decoder>> = {
  transformer: transformerDecoder,
  cross: crossDecoder,
  linear: linearDecoder,
};

export const decoderKinds = Object.keys(decoders) as DecoderKind[];

export const decoderOf = ({ kind = 'transformer' }: Pick<DecoderConfig, 'kind'>): Decoder => decoders[kind];
