import { afterEach, describe, expect, it, vi } from 'vitest';
import { resolveFinetuneConfig } from '../../config/finetune-recipes.ts';
import type { FinetuneInput } from '../../config/finetune-schema.ts';
import { parseConfig } from '../../config/schema.ts';
import { FinetuneReport } from './finetune-report.ts';
import { PretrainReport } from './pretrain-report.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const about = { folder: 'out', engine: '', images: 9, stepsPerEpoch: 1, lastStep: 1, step: 0 };
const end = { type: 'end', outcome: 'finished', step: 1, lastStep: 1 } as const;

/** The commands that a report ends with. */
function suggested(report: () => void): string[] {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  report();
  return String(log.mock.calls.at(-1)![0]).split('\n').slice(2);
}

describe('fine-tuning', () => {
  const tuned = (data: FinetuneInput['data'], more: FinetuneInput = {}) =>
    suggested(() => {
      const config = resolveFinetuneConfig({ recipe: 'cifar10-micro-finetune', ...more, data });
      const report = new FinetuneReport('out', {});
      const weights = { encoder: 1, head: 1 };
      report.show({ type: 'start', ...about, config, weights, classes: ['a', 'b'], testImages: 1 });
      report.show(end);
    });

  it.each([
    [{ source: 'cifar10' }, 'cifar10:test'],
    [{ source: 'classes:flowers' }, 'flowers'],
    [{ source: 'packed:flowers-320' }, 'packed:flowers-320'],
    [{ source: 'classes:train', test: 'classes:val' }, 'val'],
  ])('suggests predictions of images that are there, after %j', (data, images) => {
    expect(tuned(data)).toContain(`  npx beyond-masking predict --from out ${images}`);
  });

  it('suggests the same from random weights with all that differs from the recipe', () => {
    const given = { from: 'runs/mine', training: { epochs: 7 } };
    expect(tuned({ source: 'classes:train', test: 'classes:val', labels: 0.1 }, given)).toContain(
      '  npx beyond-masking finetune --recipe cifar10-micro-finetune --data classes:train --test classes:val ' +
        '--labels 0.1 --epochs 7 --output out-scratch   (the same from random weights)',
    );
  });
});

it.each([
  ['packed:flowers-320', true],
  ['classes:flowers', true],
  ['packed:photos-320', false],
  ['photos', false],
])('pre-training suggests judges of images with classes: %s, %s', (source, labelled) => {
  const commands = suggested(() => {
    const report = new PretrainReport('out', {});
    const weights = { encoder: 1, decoder: 1 };
    const config = parseConfig({ data: { source } });
    report.show({ type: 'start', ...about, config, weights, heldOutImages: 1, labelled });
    report.show(end);
  }).join('\n');
  expect(commands.includes('knn out')).toBe(labelled);
  expect(commands.includes(`finetune --from out --data ${source}`)).toBe(labelled);
});

it('an epoch of pre-training is one line: losses, PSNR beside that of means, two measures without labels', () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  const write = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  const report = new PretrainReport('out', {});
  const weights = { encoder: 1, decoder: 1 };
  report.show({
    type: 'start',
    ...about,
    config: parseConfig({}),
    weights,
    heldOutImages: 1,
    labelled: true,
  });
  const panel = { images: 1000, rankMe: 23.46, meanCosine: 0.5, deadDirections: 0.1, linear: 0.4123 };
  const row = { step: 1, epoch: 1, loss: 0.5, heldOutLoss: 0.75, psnr: 19.53, psnrOfMeans: 18.21, panel };
  report.show({ type: 'step', row, lastStep: 1 });
  const shown = [...log.mock.calls, ...write.mock.calls].flat().join('\n');
  expect(shown).toContain(
    'step 1: loss 0.5000, held-out loss 0.7500, PSNR 19.5 dB (patch means 18.2), RankMe 23.5, linear 41.2 %',
  );
});

it.each<[Parameters<typeof parseConfig>[0], string]>([
  [{}, 'timm, onnx; huggingface too with --set model.classToken=true from pre-training on'],
  [{ model: { classToken: true } }, 'timm, onnx, huggingface'],
])('pre-training says at its start what it can be exported to: %j', (settings, formats) => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  const report = new PretrainReport('out', {});
  const weights = { encoder: 1, decoder: 1 };
  const config = parseConfig(settings);
  report.show({ type: 'start', ...about, config, weights, heldOutImages: 1, labelled: false });
  expect(log.mock.calls.join('\n')).toMatch(new RegExp(`exports +${formats}\\n`));
});

it('a line about an evaluation reads as progress, not as a score', () => {
  const write = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  const report = new PretrainReport('out', {});
  report.show({ type: 'evaluating', what: 'held-out loss', done: 9, total: 9 });
  report.close();
  expect(write.mock.calls.join('')).toContain('held-out loss: 100.0 % done');
});
