import { describe, expect, it } from 'vitest';
import { imagenet } from '../../tests/support/degrade.ts';
import { evaluate } from '../../tests/support/evaluate.ts';
import { normals, withRandom } from '../../tests/support/random.ts';
import { relativeError } from '../../tests/support/task-fixture.ts';
import { constant, sizeOf } from '../graph/index.ts';
import { type Rng, rng } from '../random/rng.ts';
import { inARow, masked } from './compose.ts';
import { maskGenerator } from './masks/table.ts';
import { plain } from './plain.ts';
import { task } from './table.ts';
import type { Draws, PretextTask, TaskContext } from './task.ts';

const context: TaskContext = { image: [24, 40], patch: 8, channels: 3, target: 'channel', ...imagenet };

/** A task's draws for two images, as tensors. */
function drawn(of: PretextTask, random: Rng): Draws {
  const both = [of.draw(random.derive(0), context), of.draw(random.derive(1), context)];
  return Object.fromEntries(
    Object.entries(of.draws(context)).map(([name, { shape, dtype }]) => {
      const values = both.flatMap((one) => [...one[name]!]);
      const data = dtype === 'i32' ? Int32Array.from(values) : Float32Array.from(values);
      return [name, constant(data, [2, ...shape])];
    }),
  );
}

/** Draws of the second of two degradations, under its own names. */
const ofSecond = (draws: Draws): Draws =>
  Object.fromEntries(
    Object.entries(draws).flatMap(([name, value]) =>
      name.startsWith('second.') ? [[name.slice('second.'.length), value]] : [],
    ),
  );

describe.each([
  ['zoomed-in', 'blurred'],
  ['zoomed-out', 'noise'],
  ['noise', 'distorted'],
  ['blurred', 'de-colorized'],
  ['frequency', 'noise'],
  ['cross-zoom', 'super-resolution'],
])('%s and %s in a row', (first, second) => {
  const both = task(`masked+${first}+${second}`);
  const alone = task(`masked+${first}`);

  it('degrade one after the other; the first says what is recovered', () => {
    withRandom(2, (random) => {
      const draws = drawn(both, random);
      const shape = [2, 3, ...alone.view(context.image)];
      const view = constant(normals(random, sizeOf(shape)), shape);
      const expected = task(second).degrade(alone.degrade(view, draws, context), ofSecond(draws), context);
      expect(evaluate(both.degrade(view, draws, context))).toEqual(evaluate(expected));
      expect(both.degrade(view, draws, context).shape).toEqual([2, 3, 24, 40]);
      expect(evaluate(both.clean(view, context, draws))).toEqual(evaluate(alone.clean(view, context, draws)));
      const prediction = { all: constant(normals(random, 2 * 15 * 192), [2, 15, 192]) };
      const losses = (of: PretextTask) => evaluate(of.loss({ prediction, view, draws }, context).losses);
      expect(relativeError(losses(both), losses(alone))).toBe(0);
    });
  });

  it('draw as each does, the first one the same as alone', () => {
    withRandom(3, (random) => {
      const seed = random.uint32();
      const draws = both.draw(rng(seed), context);
      expect(Object.keys(draws).sort()).toEqual(Object.keys(both.draws(context)).sort());
      expect(draws).toMatchObject(alone.draw(rng(seed), context));
      expect(both.draw(rng(seed), context)).toEqual(draws);
      for (const [name, { shape, dtype }] of Object.entries(task(second).draws(context)))
        expect(both.draws(context)[`second.${name}`]).toEqual({ shape, dtype });
    });
  });

  it('have the name and the settings of both', () => {
    expect(both.name).toBe(`masked+${first}+${second}`);
    expect(both).toMatchObject({ judges: alone.judges, view: alone.view });
    expect(both.defaults).toEqual(alone.defaults);
    expect(both.channels).toBe(task(second).channels ?? alone.channels);
    expect(both.mask?.name).toBe('random');
  });
});

it('the second draws other numbers', () => {
  withRandom(2, (random) => {
    const both = inARow(task('noise'), { ...task('noise'), name: 'noise again' });
    const { noise, 'second.noise': again } = both.draw(random, context);
    expect(again).toHaveLength(noise!.length);
    expect(again).not.toEqual(noise);
  });
});

it.each([
  ['noise+noise', 'a task must combine two different degradations, got "noise+noise"'],
  ['noise+zoomed-in', 'a task must have zoomed-in first, as it changes the view of the loader, got "'],
  [
    'masked+noise+zoomed-out',
    'a task must have zoomed-out first, as it changes the view of the loader, got "',
  ],
  [
    'masked+blurred+cross-zoom',
    'a task must have cross-zoom first, as it changes the view of the loader, got "',
  ],
  ['noise+frequency', 'a task must have frequency first, as it has its own loss, got "noise+frequency"'],
  ['masked+noise+blurred+distorted', 'a task must be one of '],
  ['noise+masked', 'a task must be one of '],
  ['masked+masked', 'a task must be one of '],
  ['noise+', 'a task must be one of '],
  ['+noise', 'a task must be one of '],
  ['masked+', 'a task must be one of '],
  ['cross-zoom', 'a task must be one of '],
  ['cross-zoom+noise', 'a task must be one of '],
  ['', 'a task must be one of '],
])('refuses %j', (name, message) => {
  expect(() => task(name)).toThrow(RangeError);
  expect(() => task(name)).toThrow(message);
});

it('takes tokens away by the mask that is named, with the draws of the task', () => {
  withRandom(3, (random) => {
    const seed = random.uint32();
    for (const name of ['random', 'block', 'grid', 'green-noise']) {
      const mask = maskGenerator(name);
      const blurred = masked(task('blurred'), mask);
      expect(blurred.mask).toBe(mask);
      const { order, ...rest } = blurred.draw(rng(seed), context);
      expect(order).toEqual(mask.order(rng(seed).derive('order'), context));
      expect(rest).toEqual(task('blurred').draw(rng(seed), context));
    }
    expect(masked(plain).name).toBe('masked');
  });
});
