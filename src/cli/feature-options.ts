import type { Command } from 'commander';
import { UsageError } from './errors.ts';
import { optionalEngine, reportBroken, wholeNumber } from './options.ts';

/** Options of commands that compute features. */
export interface FeatureOptions {
  pooling?: string;
  imagesAtOnce?: string;
  heads?: string;
  cache: boolean;
  backend?: string;
}

export function addFeatureOptions(command: Command): Command {
  return command
    .option(
      '--pooling <kind>',
      "mean of the patches' tokens or class token: mean, token (default: as the head)",
    )
    .option('--images-at-once <n>', 'images that the engine takes at once')
    .option('--heads <n>', "attention heads, where another project's file does not tell")
    .option('--no-cache', 'neither look for features on the disk nor keep them there, see `cache`')
    .option('--backend <name>', "engine: auto, onnx, onednn, xla, wasm or reference (default: the run's)");
}

/** The same, as library calls take them. Throws UsageError. */
export async function featureOptions({ pooling, imagesAtOnce, heads, cache, backend }: FeatureOptions) {
  if (pooling !== undefined && pooling !== 'mean' && pooling !== 'token')
    throw new UsageError(`--pooling must be mean or token, got "${pooling}"`);
  return {
    pooling: pooling as 'mean' | 'token' | undefined,
    imagesAtOnce: imagesAtOnce === undefined ? undefined : wholeNumber('--images-at-once', imagesAtOnce, 1),
    heads: heads === undefined ? undefined : wholeNumber('--heads', heads, 1),
    featureCache: cache ? undefined : (false as const),
    backend: await optionalEngine(backend),
    broken: reportBroken(),
  };
}
