import { describe, expect, it } from 'vitest';
import { fc } from '../../tests/support/random.ts';
import { nearest, suggestion } from './nearest.ts';

describe('nearest', () => {
  const names = ['masked', 'zoomed-in', 'zoomed-out'];

  it('knows slips from other names', () => {
    expect(nearest('maksed', names)).toBe('masked');
    expect(nearest('zoomed_in', names)).toBe('zoomed-in');
    expect(nearest('ZOOMED-OUT', names)).toBe('zoomed-out');
    expect(nearest('blurred', names)).toBeUndefined();
    expect(nearest('', names)).toBeUndefined();
  });

  it('forgives one slip of any kind in a name of five letters, and none in one of two', () => {
    const letter = fc.constantFrom(...'abcdefgh');
    const word = fc.string({ unit: letter, minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(word, fc.nat(3), letter, (name, at, other) => {
        const [before, after] = [name.slice(0, at), name.slice(at)];
        const slips = [
          before + after.slice(1),
          before + other + after,
          before + other + after.slice(1),
          before + after[1] + after[0] + after.slice(2),
        ];
        for (const slip of slips) expect(nearest(slip, ['x', name, 'y'])).toBe(name);
      }),
    );
    expect(nearest('ab', ['ac'])).toBeUndefined();
  });
});

it('a suggestion ends a message, or adds nothing', () => {
  expect(suggestion('maskd', ['masked', 'blurred'])).toBe(' (did you mean "masked"?)');
  expect(suggestion('x', ['masked'])).toBe('');
});
