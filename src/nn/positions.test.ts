import { expect, it } from 'vitest';
import { readFixture } from '../../tests/support/fixture.ts';
import { relativeError } from '../../tests/support/task-fixture.ts';
import { positionParameters, sincos1d, sincos2d } from './positions.ts';

it('the tables agree with the oracle', async () => {
  const { names, float } = await readFixture('pieces');
  const tables = names.filter((name) => name.startsWith('sincos'));
  expect(tables.length).toBeGreaterThan(6);
  for (const name of tables) {
    const [kind, sizes] = name.split('.') as [string, string];
    const [rows, columns, width] = sizes.split('x').map(Number) as [number, number, number];
    const table = (kind === 'sincos1d' ? sincos1d : sincos2d)([rows, columns], width);
    expect(relativeError(table, float(name)), name).toBeLessThan(1e-6);
  }
});

it('the class token has a row of zeros before the patches', () => {
  const config = { image: [8, 12], patch: 4, channels: 3, positions: 'sincos2d' } as const;
  const { shape, init, trainable } = positionParameters('pos', { ...config, classToken: true }, 8);
  expect(shape).toEqual([1, 7, 8]);
  expect(trainable).toBe(false);
  const values = init.kind === 'table' ? init.values() : new Float32Array();
  expect([...values.slice(0, 8)]).toEqual(new Array(8).fill(0));
  expect(values.slice(8)).toEqual(sincos2d([2, 3], 8));
});

it('learned positions are trained and not decayed', () => {
  const config = { image: [8, 12], patch: 4, channels: 3, classToken: false, positions: 'learned' } as const;
  expect(positionParameters('pos', config, 8)).toMatchObject({
    shape: [1, 6, 8],
    init: { kind: 'truncatedNormal' },
    trainable: true,
    decay: false,
  });
});

it('refuses a width that 2-D positions cannot share', () => {
  expect(() => sincos2d([2, 2], 6)).toThrow('2-D positions need a width that is a multiple of 4, got 6');
});
