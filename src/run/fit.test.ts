import { describe, expect, it } from 'vitest';
import { fc } from '../../tests/support/random.ts';
import { finetuneRecipe, finetuneRecipeNames, resolveFinetuneConfig } from '../config/finetune-recipes.ts';
import { recipe, recipeNames, resolveConfig } from '../config/recipes.ts';
import { microBatchOf } from '../config/rules.ts';
import { fitBatch } from './fit.ts';

const GB = 1e9;
const base = (training: object = {}) => resolveConfig({ training });

describe('fitBatch', () => {
  it('gives any number of images a batch that they fill, and four updates an epoch where there are four images', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 5000 }),
        (images, batchSize) => {
          const { config, notes } = fitBatch(base({ batchSize }), images, 1e6 * GB);
          const fitted = config.training.batchSize;
          expect(fitted).toBeLessThanOrEqual(images);
          if (batchSize <= images) expect({ fitted, notes }).toEqual({ fitted: batchSize, notes: [] });
          else if (images >= 4) expect(Math.floor(images / fitted)).toBeGreaterThanOrEqual(4);
          if (fitted !== batchSize) expect(notes[0]).toMatch(/--batch-size N/);
        },
      ),
    );
  });

  it('cuts a batch into equal parts that half of the memory holds', () => {
    // ViT-B, 75 % of the tokens removed: some 95 MB an image.
    const { config, notes } = fitBatch(base(), 1e6, 16 * GB);
    expect(config.training.microBatch).toBe(64);
    expect(notes).toEqual([
      expect.stringMatching(/^micro-batches of 64 images: 2048 at once would take about 19\d GB/),
    ]);
    expect(fitBatch(base({ batchSize: 32 }), 1e6, 16 * GB).notes).toEqual([]);
    expect(fitBatch(base({ microBatch: 512 }), 1e6, 16 * GB).notes).toEqual([]);
    // All tokens take more.
    expect(
      fitBatch({ ...base(), task: { ...base().task, name: 'zoomed-in' } }, 1e6, 16 * GB).config.training
        .microBatch,
    ).toBe(16);
  });
});

describe("a recipe's micro-batch", () => {
  it.each([...recipeNames, ...finetuneRecipeNames])('fits batches of any size: %s', (name) => {
    const tuning = finetuneRecipeNames.includes(name);
    const usual = (tuning ? finetuneRecipe(name) : recipe(name)).config.training;
    for (const batchSize of [1, 2, 7, 50, 54, 96, 100, 1000, 2048]) {
      const input = { recipe: name, training: { batchSize } };
      const { training } = tuning ? resolveFinetuneConfig(input) : resolveConfig(input);
      const micro = microBatchOf(training);
      expect(batchSize % micro).toBe(0);
      if (usual.microBatch > 0 && batchSize % usual.microBatch === 0) expect(micro).toBe(usual.microBatch);
      if (usual.microBatch === 32 && batchSize === 50) expect(micro).toBe(25);
    }
  });

  it('is not changed where it was named', () => {
    const training = { batchSize: 50, microBatch: 32 };
    expect(() => resolveConfig({ recipe: 'imagenet-base-masked', training })).toThrow('multiple of');
  });
});
