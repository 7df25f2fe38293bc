import { expect, it } from 'vitest';
import { parameterGroups } from './groups.ts';

it('decays what says so, and leaves out what is fixed', () => {
  const specs = [
    { name: 'weight', trained: true, decay: true },
    { name: 'bias', trained: true, decay: false },
    { name: 'table', trained: false, decay: false },
  ];
  expect(parameterGroups(specs, 0.05)).toEqual([
    { name: 'weight', weightDecay: 0.05, lrScale: 1 },
    { name: 'bias', weightDecay: 0, lrScale: 1 },
  ]);
});
