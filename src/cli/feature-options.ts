import type { Command } from 'commander';
import { UsageError } from './errors.ts';
import { optionalEngine, reportBroken, wholeNumber } from './options.ts';

/** Options of commands that compute features. */
export interface FeatureOptions {
  pooling?: string;
  batchSize?: string;
  cache: boolean;
  backend?: string;
}

export function addFeatureOptions(command: Command): Command {
  return command
    .option(
      '--pooling <kind>',
      "mean of the patches' tokens or class token: mean, token (default: as the head)",
    )
    .option('--batch-size <n>', 'images that the engine takes at once')
    .option('--no-cache', 'neither look for features on the disk nor keep them there, see `cache`')
    .option('--backend <name>', "engine: onnx, wasm or reference (default: the run's)");
}

/** The same, as library calls take them. Throws UsageError. */
export async function featureOptions({ pooling, batchSize, cache, backend }: FeatureOptions) {
  if (pooling !== undefined && pooling !== 'mean' && pooling !== 'token')
    throw new UsageError(`--pooling must be mean or token, got "${pooling}"`);
  return {
    pooling: pooling as 'mean' | 'token' | undefined,
    batchSize: batchSize === undefined ? undefined : wholeNumber('--batch-size', batchSize, 1),
    featureCache: cache ? undefined : (false as const),
    backend: await optionalEngine(backend),
    broken: reportBroken(),
  };
}
