import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { StuckRanks } from './stuck-ranks.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const after = (seconds: number) =>
  new Promise<string>((resolve) => setTimeout(resolve, 1000 * seconds, 'ok'));

async function notesOf(steps: readonly number[]): Promise<string[]> {
  const notes: string[] = [];
  const ranks = new StuckRanks((message) => notes.push(message));
  for (const [i, seconds] of steps.entries()) {
    const watched = ranks.watch(i + 1, after(seconds));
    await vi.advanceTimersByTimeAsync(1000 * seconds);
    expect(await watched).toBe('ok');
  }
  return notes;
}

it('notes once that a step waits longer than a minute', async () => {
  expect(await notesOf([1, 2, 1, 59, 500, 1])).toEqual([
    'step 5 has waited 60 s for other ranks, usually 2 s: a rank or its host is stuck, such as one that does not note this',
  ]);
});

it('waits ten times as long as usual where steps are slow', async () => {
  expect(await notesOf([20, 25, 30, 200])).toEqual([]);
  expect(await notesOf([20, 25, 30, 251])).toEqual([
    expect.stringMatching(/^step 4 has waited 250 s for other ranks, usually 25 s/),
  ]);
});

it('notes a first step that never ends', async () => {
  const notes: string[] = [];
  void new StuckRanks((message) => notes.push(message)).watch(1, new Promise(() => {}));
  await vi.advanceTimersByTimeAsync(59_000);
  expect(notes).toEqual([]);
  await vi.advanceTimersByTimeAsync(2000);
  expect(notes).toEqual([expect.stringMatching(/^step 1 has waited 60 s for other ranks: a rank/)]);
});

it('passes an error on', async () => {
  const ranks = new StuckRanks(() => {});
  await expect(ranks.watch(1, Promise.reject(new Error('rank 1 is gone')))).rejects.toThrow('rank 1 is gone');
});
