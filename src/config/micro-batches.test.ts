import { describe, expect, it } from 'vitest';
import { ConfigError } from './error.ts';
import { microBatchesOf, microBatchOf } from './rules.ts';

describe("a rank's share of a batch", () => {
  it.each([
    [{ batchSize: 64, microBatch: 0 }, 4, 1, 16],
    [{ batchSize: 64, microBatch: 16 }, 4, 1, 16],
    [{ batchSize: 64, microBatch: 32 }, 4, 1, 16],
    [{ batchSize: 64, microBatch: 4 }, 4, 4, 4],
    [{ batchSize: 96, microBatch: 8 }, 3, 4, 8],
    [{ batchSize: 64, microBatch: 16 }, 1, 4, 16],
  ])('%o on %i ranks is %i micro-batches of %i', (training, ranks, count, images) => {
    expect(microBatchesOf(training, ranks)).toBe(count);
    expect(microBatchOf(training, ranks)).toBe(images);
  });

  it('must be the same on all ranks, and whole micro-batches', () => {
    expect(() => microBatchesOf({ batchSize: 64, microBatch: 0 }, 3)).toThrow(
      new ConfigError(
        'training.batchSize must be a multiple of the number of ranks (--batch-size 66), got 64 and 3',
      ),
    );
    expect(() => microBatchesOf({ batchSize: 64, microBatch: 12 }, 2)).toThrow(
      "a rank's share of training.batchSize must be a multiple of training.microBatch (--set training.microBatch=32), got 64 / 2 and 12",
    );
  });
});
