import { resolveFinetuneConfig } from '../../config/finetune-recipes.ts';
import { type FinetuneConfig, finetuneSchema } from '../../config/finetune-schema.ts';
import { settingIn, settings } from '../../config/walk.ts';

/** Settings that have an option of their own. */
const options: Readonly<Record<string, string>> = {
  seed: '--seed',
  'data.source': '--data',
  'data.test': '--test',
  'data.labels': '--labels',
  'training.epochs': '--epochs',
  'training.batchSize': '--batch-size',
};

/** The arguments of `finetune` for a run of a recipe with the same settings, but from random weights. */
export function fromScratch(config: FinetuneConfig): string[] {
  const { recipe, training } = config;
  const usual = resolveFinetuneConfig({ recipe });
  const { epochs } = training;
  // The warm-up follows from the epochs, where they are given.
  const shorter =
    epochs === usual.training.epochs ? usual : resolveFinetuneConfig({ recipe, training: { epochs } });
  const changes = settings(finetuneSchema).flatMap((setting) => {
    const { path } = setting;
    const value = settingIn(config, setting);
    const without = settingIn(path === 'training.epochs' ? usual : shorter, setting);
    if (path === 'from' || JSON.stringify(value) === JSON.stringify(without)) return [];
    const option = options[path];
    return option ? [option, `${value}`] : ['--set', `${path}=${value}`];
  });
  return ['finetune', '--recipe', recipe, ...changes];
}
