import type { Engine } from '../engines/engine.ts';
import { patchCount } from '../image/size.ts';
import type { EncoderConfig } from '../models/config.ts';

type Sizes = Pick<EncoderConfig, 'image' | 'patch' | 'width' | 'depth'>;

/** Operations per run of a CPU engine: about a second on two cores, since Ctrl-C waits for the end of a run. */
const RUN_FLOPS = 1.75e11;

/** Tokens per run of an engine: no engine is faster with more. */
const RUN_TOKENS = 16_384;

/** Number of images per run of an encoder, at most `most`: few enough for a short run on a CPU. */
export function shortRun(encoder: Sizes, { name }: Pick<Engine, 'name'>, most: number): number {
  if (name === 'xla') return most;
  const { width, depth } = encoder;
  const tokens = patchCount(encoder);
  const flops = 2 * depth * tokens * (12 * width ** 2 + 2 * tokens * width);
  return Math.min(most, Math.max(1, Math.floor(RUN_FLOPS / flops)));
}

/** Number of images per run: a power of two. */
export function batchFor(encoder: Sizes, engine: Pick<Engine, 'name'>): number {
  const images = shortRun(encoder, engine, Math.min(256, RUN_TOKENS / patchCount(encoder)));
  return 2 ** Math.max(0, Math.floor(Math.log2(images)));
}
