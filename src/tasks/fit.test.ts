import { describe, expect, it } from 'vitest';
import { tiny } from '../../tests/support/tiny.ts';
import type { DecoderConfig } from '../models/config.ts';
import type { TargetName } from '../nn/targets/table.ts';
import { modelFor, taskFault } from './fit.ts';
import { task, tasks } from './table.ts';

const model = (target: TargetName, decoder: Partial<DecoderConfig> = {}) => ({
  target,
  decoder: { ...tiny.decoder, ...decoder },
});

it.each<[string, TargetName, Partial<DecoderConfig>]>([
  ['masked', 'hog', {}],
  ['masked', 'low-pass', { kind: 'cross', share: 0.25 }],
  ['masked+noise', 'hog', { kind: 'linear' }],
  ['zoomed-in', 'low-pass', { kind: 'linear' }],
  ['masked+zoomed-in', 'patch', { kind: 'cross' }],
  ['masked+zoomed-out', 'none', {}],
  ['frequency', 'none', { kind: 'linear' }],
  ['masked+frequency', 'none', { kind: 'cross', share: 1 }],
  ['frequency+noise', 'none', {}],
  ['masked+cross-zoom', 'hog', { kind: 'cross', share: 0.5 }],
])('%s trains a model that predicts %s by %j', (name, target, decoder) => {
  expect(taskFault(task(name), model(target, decoder))).toBeUndefined();
});

it.each<[string, TargetName, Partial<DecoderConfig>, string]>([
  [
    'zoomed-in',
    'hog',
    {},
    'task zoomed-in needs the target channel, patch, none, low-pass, got hog (--set model.target=channel)',
  ],
  [
    'masked+zoomed-out+blurred',
    'hog',
    {},
    'task masked+zoomed-out+blurred needs the target channel, patch, none, low-pass, got hog (--set model.target=channel)',
  ],
  [
    'frequency',
    'channel',
    { kind: 'linear' },
    'task frequency needs the target none, got channel (--set model.target=none)',
  ],
  [
    'masked+frequency+noise',
    'low-pass',
    {},
    'task masked+frequency+noise needs the target none, got low-pass (--set model.target=none)',
  ],
  [
    'masked+zoomed-in',
    'channel',
    { kind: 'cross', share: 0.5 },
    'task masked+zoomed-in computes the loss on whole images and needs a decoder share of 1, got 0.5 (--set model.decoder.share=1)',
  ],
  [
    'masked+frequency',
    'none',
    { kind: 'cross', share: 0.99 },
    'task masked+frequency computes the loss on whole images and needs a decoder share of 1, got 0.99 (--set model.decoder.share=1)',
  ],
  [
    'masked+cross-zoom',
    'channel',
    {},
    'task masked+cross-zoom shows the decoder a second image and needs a cross decoder, got transformer (--set model.decoder.kind=cross)',
  ],
  [
    'masked+cross-zoom+noise',
    'hog',
    { kind: 'linear' },
    'task masked+cross-zoom+noise shows the decoder a second image and needs a cross decoder, got linear (--set model.decoder.kind=cross)',
  ],
])('%s refuses a model that predicts %s by %j', (name, target, decoder, message) => {
  expect(taskFault(task(name), model(target, decoder))).toBe(message);
});

describe('modelFor', () => {
  it.each(tasks.map(({ name }) => name))('makes a model that %s trains', (name) => {
    const made = modelFor(task(name), model('channel'));
    expect(taskFault(task(name), made)).toBeUndefined();
    expect(made.decoder).toMatchObject({ width: tiny.decoder.width, depth: tiny.decoder.depth });
  });

  it('leaves a model as it is for tasks without settings', () => {
    const given = model('patch', { kind: 'cross', share: 0.5 });
    expect(modelFor(task('masked+noise'), given)).toEqual(given);
  });
});
