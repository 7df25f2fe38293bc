import { describe, expect, it } from 'vitest';
import {
  finetuneRecipe,
  finetuneRecipeNames,
  quickFinetuneVariant,
  resolveFinetuneConfig,
} from './finetune-recipes.ts';
import { parseFinetuneConfig } from './finetune-schema.ts';
import { recipe } from './recipes.ts';

describe('recipes of fine-tuning', () => {
  it.each(finetuneRecipeNames)('%s is complete', (name) => {
    const { config, source, cost, expected, notes } = finetuneRecipe(name);
    expect(config.recipe).toBe(name);
    expect(parseFinetuneConfig(config)).toEqual(config);
    for (const text of [source, expected, ...notes]) expect(text).toMatch(/\w/);
    expect(cost.images).toBeGreaterThan(1e5);
    expect(cost.flops / cost.images).toBeGreaterThan(1e8);
  });

  it('are MAE’s for ImageNet', () => {
    const { training, data } = finetuneRecipe('imagenet-base-finetune').config;
    expect(training).toMatchObject({
      ...{ epochs: 100, batchSize: 1024, learningRate: 5e-4, minLearningRate: 1e-6, warmupEpochs: 5 },
      ...{ beta1: 0.9, beta2: 0.999, weightDecay: 0.05, layerDecay: 0.65, dropPath: 0.1, clip: 0 },
      ...{ mixup: 0.8, cutmix: 1, mixSwitch: 0.5, mixProbability: 1, smoothing: 0.1 },
    });
    expect(data).toMatchObject({ randAugment: 'rand-m9-mstd0.5-inc1', erasing: 0.25, evaluationCrop: 0.875 });
    const large = finetuneRecipe('imagenet-large-finetune').config.training;
    expect(large).toMatchObject({ epochs: 50, learningRate: 1e-3, layerDecay: 0.75, dropPath: 0.2 });
  });

  it('have a quick variant for CIFAR-10', () => {
    const name = quickFinetuneVariant('cifar10-micro-finetune');
    const quick = finetuneRecipe(name).config;
    expect(quick.training.epochs).toBeLessThan(5);
    expect(quick.model).toEqual(finetuneRecipe('cifar10-micro-finetune').config.model);
    expect(() => quickFinetuneVariant('imagenet-base-finetune')).toThrow('which has none');
    expect(() => finetuneRecipe('cifar10-micro-masked')).toThrow('(it is one of pretrain)');
    expect(() => recipe('imagenet-base-finetune')).toThrow('(it is one of the command finetune)');
  });

  it('take what weights say, unless the settings say otherwise', () => {
    const given = {
      fixed: { width: 48, heads: 3, depth: 2, patch: 8 },
      usual: { model: { image: [64, 64] as [number, number] }, data: { mean: [0.5, 0.5, 0.5] } },
    };
    const named = { recipe: 'cifar10-micro-finetune' };
    const config = resolveFinetuneConfig(named, given);
    expect(config.model).toMatchObject({ width: 48, heads: 3, depth: 2, patch: 8, image: [64, 64] });
    expect(config.data.mean).toEqual([0.5, 0.5, 0.5]);
    expect(config.data.source).toBe('cifar10');
    const other = resolveFinetuneConfig({ ...named, model: { image: [32, 32], width: 48 } }, given);
    expect(other.model).toMatchObject({ image: [32, 32], width: 48 });
    expect(() => resolveFinetuneConfig({ model: { patch: 4 } }, given)).toThrow(
      'model.patch must match the weights, 8, got 4',
    );
  });

  it('warm up in proportion when they are shortened', () => {
    const warmup = (training: object) =>
      resolveFinetuneConfig({ recipe: 'imagenet-base-finetune', training }).training.warmupEpochs;
    expect(warmup({})).toBe(5);
    expect(warmup({ epochs: 20 })).toBe(1);
    expect(warmup({ epochs: 20, warmupEpochs: 4 })).toBe(4);
  });
});
