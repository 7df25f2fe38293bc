import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { tinyImages, tinySettings } from '../../tests/support/tiny-run.ts';
import { fitStudy } from './fit.ts';
import { openPlan } from './images.ts';
import { parseStudy } from './schema.ts';

const folder = temporaryFolder();
const images = join(folder, 'images');
beforeAll(() => tinyImages(images, 24));

const training = { epochs: 40, warmupEpochs: 4 };
const pretrain = () =>
  tinySettings(`classes:${images}`, { training, evaluation: { reconstructions: 0 } }) as object;
/** Arms with their own epochs, with their own settings, and a group with the epochs of the study. */
const study = () => ({
  seeds: [1, 2],
  pretrain: pretrain(),
  finetune: [{ data: { labels: 0.5 }, training: { epochs: 3, batchSize: 4, warmupEpochs: 0 } }],
  groups: [
    { name: 'A', arms: ['scratch', 'masked', { name: 'long', task: 'masked', epochs: 80 }] },
    {
      name: 'B',
      arms: ['blurred', { name: 'own', task: 'masked', settings: { training: { epochs: 20 } } }],
      pretrain: { training: { epochs: 60 } },
    },
  ],
});
const flopsOf = async (input: unknown) => {
  const { pieces } = await openPlan(parseStudy(input));
  return pieces.reduce((sum, { flops }) => sum + flops, 0);
};
const fittedTo = (seconds: number, rate: number, input: object = study()) =>
  fitStudy(input, seconds, { output: join(folder, 'study'), measure: async () => rate });

it.each([0.5, 1, 7.3])(
  'at %s times what the file takes, training takes the time that it should',
  async (times) => {
    const whole = await flopsOf(study());
    const fitted = await flopsOf(await fittedTo((times * whole) / 1e9 / 0.85, 1e9));
    expect(fitted / whole).toBeLessThanOrEqual(times * (1 + 1e-9));
    expect(fitted / whole).toBeGreaterThan(0.85 * times);
  },
);

it('all epochs and warm-ups of pre-training change by one factor; fine-tuning stays', async () => {
  const whole = await flopsOf(study());
  const fitted = (await fittedTo((4 * whole) / 1e9 / 0.85, 1e9)) as StudyFile;
  const { epochs, warmupEpochs } = fitted.pretrain.training;
  expect(warmupEpochs / epochs).toBeCloseTo(0.1, 12);
  const [a, b] = fitted.groups;
  const changed = [epochs / 40, a!.arms[2]!.epochs! / 80, b!.pretrain!.training.epochs / 60];
  changed.push(b!.arms[1]!.settings!.training.epochs / 20);
  for (const factor of changed) expect(factor).toBeCloseTo(changed[1]!, 1);
  expect(fitted.finetune).toEqual(study().finetune);
});

interface StudyFile {
  pretrain: { training: typeof training };
  finetune: unknown;
  groups: {
    arms: { epochs?: number; settings?: { training: { epochs: number } } }[];
    pretrain?: { training: { epochs: number } };
  }[];
}

it('a group without epochs gets those of its recipe', async () => {
  const own = { arms: ['masked'], seeds: [1], pretrain: { ...pretrain(), training: { batchSize: 8 } } };
  const whole = await flopsOf({ ...own, knn: {} });
  const fitted = await flopsOf(await fittedTo((2 * whole) / 1e9 / 0.85, 1e9, { ...own, knn: {} }));
  expect(fitted / whole).toBeCloseTo(2, 1);
});

it('refuses a time in which no epoch fits, and a study that does not pre-train', async () => {
  await expect(fittedTo(60, 1)).rejects.toThrow(
    /must allow one epoch of each run, \d+ minutes on this machine, got 1$/,
  );
  await expect(fittedTo(60, 1e9, { ...study(), groups: undefined, arms: ['scratch'] })).rejects.toThrow(
    'must pre-train, got only scratch',
  );
});

it('measures the rate by training, and leaves no run behind', async () => {
  const fitted = await fitStudy({ ...study(), seeds: [1] }, 3600, { output: join(folder, 'measured-study') });
  expect(await flopsOf(fitted)).toBeGreaterThan(await flopsOf({ ...study(), seeds: [1] }));
});
