import { resolveFinetuneConfig } from '../../config/finetune-recipes.ts';
import { type FinetuneConfig, finetuneSchema } from '../../config/finetune-schema.ts';
import { settingIn, settings } from '../../config/walk.ts';
import { labelledSource, testedSource } from '../../data/sources/table.ts';
import { type Shorthands, shorthandOf } from './shorthands.ts';
import { trainingShorthands } from './training-options.ts';

/** The options of `finetune` that are short for a setting. */
export const finetuneShorthands = {
  '--from <model>': [
    'from',
    'start with these weights: the folder of a run, a checkpoint, or a weights file',
  ],
  '--data <source>': ['data.source', `images to train on: ${labelledSource}`],
  '--test <source>': [
    'data.test',
    `images to evaluate on (default: the test set of ${testedSource}, else a share of --data)`,
  ],
  '--labels <share>': 'data.labels',
  '--heads <n>': ['model.heads', 'attention heads of --from, if its file does not name them'],
  ...trainingShorthands,
} as const satisfies Shorthands;

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
    const option = shorthandOf(finetuneShorthands, path);
    return option ? [option, `${value}`] : ['--set', `${path}=${value}`];
  });
  return ['finetune', '--recipe', recipe, ...changes];
}
