import { expect, it } from 'vitest';
import { seed } from '../../tests/support/random.ts';
import { rng } from '../random/rng.ts';
import { SlowRanks } from './slow-ranks.ts';

function notesOf(steps: number, ranks: number, time: (rank: number, step: number) => number): string[] {
  const notes: string[] = [];
  const slow = new SlowRanks((message) => notes.push(message));
  for (let step = 0; step < steps; step++)
    slow.take(Array.from({ length: ranks }, (_, rank) => time(rank, step)));
  return notes;
}

it.each([2, 3, 8])(`names a slow one of %i ranks once, after 20 steps (SEED=${seed})`, (ranks) => {
  const random = rng(seed, ranks);
  const victim = random.int(ranks);
  const time = (rank: number) => (rank === victim ? 200 : 100) * random.uniform(0.95, 1.05);
  expect(notesOf(19, ranks, time)).toEqual([]);
  const notes = notesOf(100, ranks, time);
  expect(notes).toHaveLength(1);
  expect(notes[0]).toContain(`rank ${victim} of ${ranks} is slow: for 20 steps it computed`);
  expect(notes[0]).toMatch(/last (19|2\d)\d ms for (9|10)\d ms$/);
});

it('names none that is slow now and then, or a little', () => {
  expect(notesOf(100, 4, (rank, step) => (step % 10 === rank ? 500 : 100))).toEqual([]);
  expect(notesOf(100, 4, (rank) => 100 + 12 * rank)).toEqual([]);
  expect(notesOf(100, 4, () => 0)).toEqual([]);
});
