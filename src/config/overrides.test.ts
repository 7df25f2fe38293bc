import { expect, it } from 'vitest';
import { linprobeSchema } from './linprobe-schema.ts';
import { parseSetting } from './overrides.ts';

it.each([
  ['learningRates=0.1', { learningRates: [0.1] }],
  ['learningRates=0.1,0.3', { learningRates: [0.1, 0.3] }],
  ['data=cifar10', { data: 'cifar10' }],
  ['heldOut=0.5', { heldOut: 0.5 }],
])('settings that may be absent are typed too: %s', (assignment, settings) => {
  expect(parseSetting(assignment, linprobeSchema)).toEqual(settings);
});
