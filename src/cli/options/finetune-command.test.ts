import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { fc } from '../../../tests/support/random.ts';
import { finetuneRecipeNames, resolveFinetuneConfig } from '../../config/finetune-recipes.ts';
import type { FinetuneInput } from '../../config/finetune-schema.ts';
import { finetuneSchema } from '../../config/finetune-schema.ts';
import { mergeSettings } from '../../config/merge.ts';
import { parseSetting } from '../../config/overrides.ts';
import { shellLine } from '../../text/shell.ts';
import { fromScratch } from './finetune-command.ts';

const some = fc.record(
  {
    seed: fc.nat(9),
    data: fc.record(
      {
        source: fc.constantFrom('classes:/data/my flowers', "packed:~/it's", 'cifar10'),
        test: fc.constantFrom('classes:test', ''),
        labels: fc.constantFrom(0.01, 1),
        randAugment: fc.constantFrom('', 'rand-m5'),
        scale: fc.constantFrom([0.2, 1] as [number, number], [0.08, 1] as [number, number]),
      },
      { requiredKeys: [] },
    ),
    model: fc.record({ image: fc.constant([112, 112] as [number, number]) }, { requiredKeys: [] }),
    training: fc.record(
      {
        epochs: fc.integer({ min: 30, max: 200 }),
        warmupEpochs: fc.integer({ min: 0, max: 20 }),
        batchSize: fc.constantFrom(64, 1024),
      },
      { requiredKeys: [] },
    ),
    evaluation: fc.record({ every: fc.nat(3).map((n) => n + 1) }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);

const shorthands: Readonly<Record<string, string>> = {
  '--seed': 'seed',
  '--data': 'data.source',
  '--test': 'data.test',
  '--labels': 'data.labels',
  '--epochs': 'training.epochs',
  '--batch-size': 'training.batchSize',
  '--recipe': 'recipe',
};

it('a shell takes the command for the same settings, without the weights', () => {
  fc.assert(
    fc.property(fc.constantFrom(...finetuneRecipeNames), some, (recipe, given) => {
      const input = { recipe, ...given } as FinetuneInput;
      const config = resolveFinetuneConfig({ ...input, from: 'runs/mine' });
      const words = execFileSync('sh', ['-c', `printf '%s\\n' ${shellLine(...fromScratch(config))}`], {
        encoding: 'utf8',
      });
      const [command, ...rest] = words.trimEnd().split('\n');
      expect(command).toBe('finetune');
      const settings = rest.flatMap((word, i) => {
        if (i % 2 === 0) return [];
        const option = rest[i - 1]!;
        return [parseSetting(option === '--set' ? word : `${shorthands[option]}=${word}`, finetuneSchema)];
      });
      expect(resolveFinetuneConfig(mergeSettings(...settings))).toEqual({ ...config, from: '' });
    }),
    { numRuns: 50 },
  );
});
