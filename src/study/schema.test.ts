import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { finetuneSettings } from './judges.ts';
import { parseStudy, readStudy } from './schema.ts';

const valid = {
  arms: ['scratch', 'masked+zoomed-in'],
  seeds: [0, 1],
  pretrain: { recipe: 'cifar10-micro-masked-zoomed-in-quick' },
  knn: {},
};

it('completes what a study leaves out', () => {
  expect(parseStudy(valid).groups[0]).toMatchObject({
    knn: { trainImages: 10_000, testImages: 0 },
    finetune: [],
  });
});

it('takes the studies that come with the project, and the example in the documentation', async () => {
  for (const name of (await readdir('studies')).filter((file) => file.endsWith('.json')))
    for (const group of (await readStudy(`studies/${name}`)).groups)
      expect(group.arms.length).toBeGreaterThan(1);
  const text = await readFile('docs/reproduction.md', 'utf8');
  const [, example] = /```json\n([^`]+)```/.exec(text)!;
  expect(parseStudy(JSON.parse(example!)).groups[0]!.finetune).toHaveLength(3);
});

it('fine-tunes on the images and the engine of pre-training', () => {
  const pretrain = { data: { source: 'cifar10', trainImages: 9 }, engine: { threads: 3 } };
  const finetune = [{ data: { labels: 0.5, source: 'x' } }];
  const [group] = parseStudy({ ...valid, pretrain, finetune }).groups;
  expect(finetuneSettings(group!, group!.arms[0]!, group!.finetune[0]!)).toEqual({
    data: { labels: 0.5, source: 'cifar10', trainImages: 9, heldOut: 0.02 },
    engine: { threads: 3 },
  });
});

it.each<[string, object, string]>([
  ['an unknown key', { arm: ['scratch'] }, 'unknown setting "arm" (did you mean "arms"?)'],
  ['an unknown arm', { arms: ['maskd'] }, 'arms[0] must be one of scratch, '],
  ['the nearest arm', { arms: ['maskd'] }, 'did you mean "masked"?'],
  ['no arms', { arms: [] }, 'arms must be a list of one or more arms, each once, got []'],
  ['a seed twice', { seeds: [1, 1] }, 'seeds must be a list of one or more seeds, each once, got [1,1]'],
  ['a wrong seed', { seeds: [-1] }, 'seeds[0] must be a whole number of at least 0, got -1'],
  ['no pre-training', { pretrain: undefined }, 'pretrain must be a group of settings, got nothing'],
  [
    'a wrong setting of pre-training',
    { pretrain: { training: { epochs: 0 } } },
    'in pretrain of the study: training.epochs must be a whole number of at least 1, got 0',
  ],
  [
    'an unknown setting of fine-tuning',
    { finetune: [{ training: { epoch: 1 } }] },
    'in finetune[0] of the study: unknown setting "training.epoch" (did you mean "training.epochs"?)',
  ],
  ['a model to fine-tune', { finetune: [{ from: 'x' }] }, 'from must be left to the study, got "x"'],
  [
    'weights to pre-train from',
    { pretrain: { from: 'x' } },
    'in pretrain of the study: from must be left to',
  ],
  [
    'another end than epochs',
    { pretrain: { training: { maxSteps: 5 } } },
    'training.maxSteps must be 0 in a study, which counts epochs, got 5',
  ],
  ['a share twice', { finetune: [{}, { seed: 1 }] }, 'with a different data.labels each, got 1, 1'],
  ['a wrong number for kNN', { knn: { trainImages: 0.5 } }, 'knn.trainImages must be a whole number'],
  [
    'an unknown setting of probes',
    { linear: { rates: [1] } },
    'in linear of the study: unknown setting "rates"',
  ],
  [
    'judges without images',
    {
      pretrain: { data: { source: 'classes:x', heldOut: 0 } },
      linear: { test: 'classes:y' },
      finetune: [{}],
    },
    'data.heldOut of pretrain must be above 0 where judges have no test images, got 0 and knn, finetune[0]',
  ],
  [
    'an unknown key of an arm',
    { arms: [{ name: 'a', task: 'masked', epoch: 3 }] },
    'unknown setting "arms[0].epoch" (did you mean "arms[0].epochs"?)',
  ],
  ['an unknown task', { arms: [{ name: 'a', task: 'maskd' }] }, 'arms[0].task must be one of scratch, '],
  ['an arm that is a number', { arms: [3] }, 'arms[0] must be one of scratch, '],
  ['an arm without a name', { arms: [{ task: 'masked' }] }, 'arms[0].name must be a text, got nothing'],
  [
    'one name for two arms',
    { arms: ['masked', { name: 'masked', task: 'blurred' }] },
    'arms of the study must have different names, got "masked" twice',
  ],
  [
    'wrong settings of an arm',
    { arms: [{ name: 'a', task: 'masked', settings: { data: { scal: [1, 1] } } }] },
    'in the arm "a" of the study: unknown setting "data.scal" (did you mean "data.scale"?)',
  ],
  [
    'judges without settings',
    { arms: [{ name: 'a', task: 'masked', judges: ['linear'] }] },
    'the judge linear needs its settings, got none',
  ],
  [
    'an unknown key of a group',
    { groups: [{ name: 'A', seed: [1] }] },
    'unknown setting "groups[0].seed" (did you mean "groups[0].seeds"?)',
  ],
  [
    'an unknown group in the order',
    { groups: [{ name: 'masked' }], order: [{ group: 'maskd' }] },
    'order must name a group of the study, got "maskd" (did you mean "masked"?)',
  ],
  [
    'an unknown arm in the order',
    { groups: [{ name: 'A' }], order: [{ group: 'A', arms: ['scrach'] }] },
    'order must name arms of group A, got "scrach" (did you mean "scratch"?)',
  ],
  [
    'wrong settings in a group',
    { groups: [{ name: 'A', pretrain: { training: { epochs: 0.5 } } }] },
    'in pretrain of group A: training.epochs must be a whole number of at least 1, got 0.5',
  ],
  [
    'a primary question of one arm',
    { primary: { group: '', judge: 'kNN', arms: ['scratch'] } },
    'primary.arms must be the names of two arms, got ["scratch"]',
  ],
  [
    'a primary question of an unknown arm',
    { groups: [{ name: 'A' }], primary: { group: 'A', judge: 'kNN', arms: ['scratch', 'maskd'] } },
    'primary must name arms of group A, got "maskd"',
  ],
  [
    'references of an unknown arm',
    { groups: [{ name: 'A' }], references: [{ name: 'x', group: 'A', scores: { scrach: 1 } }] },
    'references must name arms of group A, got "scrach" (did you mean "scratch"?)',
  ],
  [
    'references that are no numbers',
    { groups: [{ name: 'A' }], references: [{ name: 'x', group: 'A', scores: { scratch: 'high' } }] },
    'references[0].scores.scratch',
  ],
  ['a budget that is none', { budgets: ['time'] }, 'budgets[0] must be one of steps, compute, got "time"'],
  [
    'an arm whose name makes no folder',
    { arms: [{ name: '++', task: 'masked' }] },
    'arms[0].name must be a text with a letter or digit in it, got "++"',
  ],
  [
    'no judge',
    { knn: undefined },
    'a study needs a judge, got none of knn, linear, finetune, segment and detect',
  ],
])('refuses %s', (_, change, message) => {
  expect(() => parseStudy({ ...valid, ...change })).toThrow(message);
});
