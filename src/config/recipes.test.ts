import { describe, expect, it } from 'vitest';
import { modelNames } from '../models/sizes.ts';
import { taskNames } from '../tasks/table.ts';
import { stepFlops } from './cost.ts';
import { recipe, recipeNames } from './recipes.ts';
import { parseConfig } from './schema.ts';

describe('recipes', () => {
  it('exist for every size and task', () => {
    for (const task of taskNames) {
      const suffix = task.replaceAll('+', '-');
      expect(recipeNames).toContain(`cifar10-micro-${suffix}`);
      expect(recipeNames).toContain(`cifar10-micro-${suffix}-quick`);
      for (const size of modelNames.filter((name) => name !== 'micro'))
        expect(recipeNames).toContain(`imagenet-${size}-${suffix}`);
    }
    expect(new Set(recipeNames).size).toBe(recipeNames.length);
  });

  it.each(recipeNames)('%s is complete', (name) => {
    const { config, source, cost, expected } = recipe(name);
    expect(config.recipe).toBe(name);
    expect(parseConfig(config)).toEqual(config);
    for (const text of [source, cost, expected]) expect(text).toMatch(/\w/);
    expect(cost).not.toMatch(/NaN|undefined/);
  });

  it('of the paper say the paper’s numbers, others none', () => {
    expect(recipe('imagenet-base-masked-zoomed-in').expected).toMatch(
      /^fine-tuned top-1 83\.2 .*82\.7.*83\.1\) %$/,
    );
    expect(recipe('imagenet-base-masked').expected).toContain('82.9');
    expect(recipe('imagenet-base-masked-blurred').expected).toBe('not published');
    expect(recipe('imagenet-large-masked').expected).toBe('not published');
  });

  it('suggest the nearest name', () => {
    expect(() => recipe('imagenet-base-maskd')).toThrow('did you mean "imagenet-base-masked"?');
    expect(() => recipe('x')).toThrow('unknown recipe "x" (names are data-model-task');
  });
});

// Matrix products of ViT-B/16, masked at 75 %: measured elsewhere as 34.8 GFLOP (patch embedding of visible tokens).
it('stepFlops counts the matrix products of a step', () => {
  expect(stepFlops(recipe('imagenet-base-masked').config, true) / 1e9).toBeCloseTo(34.8, 0);
  expect(stepFlops(recipe('imagenet-base-masked').config, false) / 1e9).toBeGreaterThan(100);
});
