import { modelNames } from '../../models/sizes.ts';
import { tasks } from '../../tasks/table.ts';
import { mergeSettings } from '../merge.ts';
import type { RecipeEntry } from '../recipe.ts';
import type { ConfigInput } from '../schema.ts';
import { variants } from './variants.ts';

/** Fine-tuned top-1 of ViT-B after 300 epochs, in percent (arXiv 2203.14313). */
const published: Readonly<Record<string, string>> = {
  'de-colorized': '81.4',
  blurred: '81.8',
  distorted: '82.1',
  'zoomed-out': '82.5',
  'zoomed-in': '82.7',
  masked: '82.9',
  'masked+zoomed-in': '83.2',
};

/** Fine-tuned top-1 after 50, 100 and 200 epochs, if published. */
const publishedEarlier: Readonly<Record<string, string>> = {
  masked: '82.3, 82.6, 82.8',
  'masked+zoomed-in': '82.7, 83.0, 83.1',
};

const SETTINGS: ConfigInput = {
  training: { epochs: 300, batchSize: 2048, microBatch: 32, warmupEpochs: 20 },
};
const IMAGES = 1_281_167;
const NOTE = 'imagenet-*: needs accelerators, and ImageNet-1K under --data';

/** The paper's settings on ImageNet-1K, for every task and every size from tiny to huge. ViT-B also has the variants of the tasks. */
export const imagenetRecipes: readonly RecipeEntry[] = [
  ...modelNames
    .filter((model) => model !== 'micro')
    .flatMap((model) =>
      tasks.map(({ name: task }): RecipeEntry => {
        const name = `imagenet-${model}-${task.replaceAll('+', '-')}`;
        const number = model === 'base' ? published[task] : undefined;
        const earlier = model === 'base' ? publishedEarlier[task] : undefined;
        return {
          name,
          model,
          task,
          source: `arXiv 2203.14313${model === 'base' ? '' : ', settings of ViT-B'}`,
          images: IMAGES,
          expected: number ? `fine-tuned top-1 ${number} %` : 'not published',
          notes: [
            NOTE,
            ...(earlier ? [`${name} after 50, 100, 200 epochs: fine-tuned top-1 ${earlier} %`] : []),
          ],
          settings: SETTINGS,
        };
      }),
    ),
  ...variants.map(
    (variant): RecipeEntry => ({
      ...variant,
      name: `imagenet-base-${variant.name}`,
      model: 'base',
      source: `arXiv 2203.14313; ${variant.source}`,
      images: IMAGES,
      expected: 'not published',
      notes: [NOTE],
      settings: mergeSettings(SETTINGS, variant.settings),
    }),
  ),
];
