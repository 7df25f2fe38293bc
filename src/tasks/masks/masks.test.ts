import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { whole, withRandom } from '../../../tests/support/random.ts';
import type { Size } from '../../image/size.ts';
import { type Rng, rng } from '../../random/rng.ts';
import { block } from './block.ts';
import { greenNoise } from './green-noise.ts';
import { grid } from './grid.ts';
import { random } from './random.ts';
import { maskGenerator, maskGenerators, maskNames } from './table.ts';

const geometryOf = ([rows, columns]: Size) =>
  ({ image: [2 * rows, 2 * columns], patch: 2, channels: 1 }) as const;

const anyGrid = (one: Rng): Size => [whole(one, 1, 16), whole(one, 1, 16)];

describe.each(maskNames)('a %s mask', (name) => {
  const generator = maskGenerator(name);

  it('orders the tokens of any grid, the same from one seed and otherwise from another', () => {
    withRandom(20, (one) => {
      const sizes: Size[] = [[1, 1], [1, 5], [5, 1], [3, 5], [7, 16], anyGrid(one)];
      for (const size of sizes) {
        const [count, seed] = [size[0] * size[1], one.uint32()];
        const order = generator.order(rng(seed), geometryOf(size));
        expect(order).toBeInstanceOf(Int32Array);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
        expect(generator.order(rng(seed), geometryOf(size))).toEqual(order);
        if (count > 40) expect(generator.order(rng(seed, 1), geometryOf(size))).not.toEqual(order);
      }
    });
  });

  it('has no favourite token', () => {
    withRandom(1, (one) => {
      // Of block masks, tokens in the middle are removed more often: a rectangle fits there in more ways.
      if (generator === block) return;
      const size: Size = [8, 12];
      const times = new Array<number>(96).fill(0);
      for (let i = 0; i < 2000; i++)
        for (const token of generator.order(one.derive(i), geometryOf(size)).slice(24)) times[token]!++;
      // 2000 tries with a chance of ¾: a deviation of 19.4.
      for (const count of times) expect(Math.abs(count - 1500)).toBeLessThan(6 * 19.4);
    });
  });
});

it('random masks have no pattern: neighbours are removed independently', () => {
  withRandom(1, (one) => {
    let both = 0;
    for (let i = 0; i < 2000; i++) {
      const removed = new Set(random.order(one.derive(i), geometryOf([4, 8])).slice(16));
      if (removed.has(9) && removed.has(10)) both++;
    }
    // Two of the sixteen of 32 that are removed.
    expect(Math.abs(both / 2000 - (16 * 15) / (32 * 31))).toBeLessThan(6 * 0.0096);
  });
});

/** True if tokens fill a rectangle. */
function isRectangle(tokens: readonly number[], columns: number): boolean {
  const rows = tokens.map((token) => Math.floor(token / columns));
  const across = tokens.map((token) => token % columns);
  const side = (values: number[]) => Math.max(...values) - Math.min(...values) + 1;
  return side(rows) * side(across) === tokens.length;
}

/** Share of the neighbouring pairs with both or neither chosen. */
function agreement(chosen: ReadonlySet<number>, [rows, columns]: Size): number {
  let [alike, pairs] = [0, 0];
  for (let token = 0; token < rows * columns; token++)
    for (const other of [
      token % columns < columns - 1 ? token + 1 : -1,
      token + columns < rows * columns ? token + columns : -1,
    ]) {
      if (other < 0) continue;
      pairs++;
      if (chosen.has(token) === chosen.has(other)) alike++;
    }
  return alike / pairs;
}

it.each<Size>([
  [14, 14],
  [12, 20],
])('block masks start with a rectangle of 8 to 38 % of %i×%i tokens', (...size) => {
  const tokens = size[0] * size[1];
  // Whatever the ratio, removed tokens lie together: at random, half of the neighbours are alike.
  const ratios = [0.75, 0.5, 0.25].map((ratio) => {
    const visible = Math.round(ratio * tokens);
    const share = visible / tokens;
    return { visible, atRandom: share ** 2 + (1 - share) ** 2, agreements: [] as number[] };
  });
  withRandom(30, (one) => {
    const order = [...block.order(one, geometryOf(size))];
    // Sides are rounded and end at the image's.
    const counts = Array.from({ length: tokens }, (_, i) => i).filter(
      (count) =>
        count >= 0.06 * tokens && count <= 0.45 * tokens && isRectangle(order.slice(-count), size[1]),
    );
    expect(counts.length).toBeGreaterThan(0);
    for (const { visible, agreements } of ratios)
      agreements.push(agreement(new Set(order.slice(visible)), size));
  });
  for (const { atRandom, agreements } of ratios)
    expect(agreements.reduce((a, b) => a + b) / agreements.length).toBeGreaterThan(atRandom + 0.1);
});

it('block masks have rectangles of many sizes and shapes', () => {
  withRandom(1, (one) => {
    const size: Size = [28, 28];
    const shapes = Array.from({ length: 500 }, (_, i) => {
      const order = [...block.order(one.derive(i), geometryOf(size))];
      // The largest number of last tokens that fill a rectangle, before a second one joins them.
      const count = Array.from({ length: 360 }, (_, k) => k + 1).findLast((k) =>
        isRectangle(order.slice(-k), 28),
      )!;
      const rows = order.slice(-count).map((token) => Math.floor(token / 28));
      const height = Math.max(...rows) - Math.min(...rows) + 1;
      return { area: count / 784, aspect: height ** 2 / count };
    });
    const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
    // Areas uniform between 16/196 and 75/196, the logarithm of height by width between ±log 0.3.
    expect(Math.abs(mean(shapes.map(({ area }) => area)) - 91 / 392)).toBeLessThan(0.03);
    const logs = shapes.map(({ aspect }) => Math.log(aspect));
    expect(Math.abs(mean(logs))).toBeLessThan(0.25);
    expect(Math.abs(Math.sqrt(mean(logs.map((x) => x * x))) - Math.log(1 / 0.3) / Math.sqrt(3))).toBeLessThan(
      0.15,
    );
  });
});

it('grid masks take cells of 4×4 tokens one after the other', () => {
  withRandom(20, (one) => {
    for (const size of [[7, 16], [14, 14], [8, 4], [3, 3], anyGrid(one)] as Size[]) {
      const [down, across] = [Math.ceil(size[0] / 4), Math.ceil(size[1] / 4)];
      const cells = [...grid.order(one, geometryOf(size))].map(
        (token) => Math.floor(Math.floor(token / size[1]) / 4) * across + Math.floor((token % size[1]) / 4),
      );
      const changes = cells.filter((cell, i) => cell !== cells[i - 1]).length;
      expect(changes).toBe(down * across);
    }
  });
});

const reference = JSON.parse(
  readFileSync(new URL('../../../tests/fixtures/masks.json', import.meta.url), 'utf8'),
) as { edges: number[]; green: { grid: Size; shares: number[] }[] };

it.each(reference.green)(
  'green-noise masks of $grid have the spectrum of the oracle',
  ({ grid: size, shares }) => {
    withRandom(1, (one) => {
      const [rows, columns] = size;
      const { edges } = reference;
      const power = edges.slice(1).map(() => 0);
      for (let i = 0; i < 400; i++) {
        const visible = greenNoise.order(one.derive(i), geometryOf(size)).slice(0, (rows * columns) / 4);
        for (let k = 0; k < rows; k++)
          for (let l = 0; l < columns; l++) {
            if (k === 0 && l === 0) continue;
            const frequency = Math.hypot(Math.min(k, rows - k) / rows, Math.min(l, columns - l) / columns);
            const band = edges.findIndex((_, j) => frequency < edges[j + 1]!);
            let [re, im] = [0, 0];
            for (const token of visible) {
              const angle =
                2 * Math.PI * ((k * Math.floor(token / columns)) / rows + (l * (token % columns)) / columns);
              re += Math.cos(angle);
              im += Math.sin(angle);
            }
            power[band]! += re * re + im * im;
          }
      }
      const total = power.reduce((a, b) => a + b);
      for (const [band, share] of shares.entries())
        expect(Math.abs(power[band]! / total - share), `band ${band}`).toBeLessThan(0.05 * share + 0.004);
    });
  },
);

it('names the nearest mask for an unknown one', () => {
  expect(maskGenerators.map(({ name }) => name)).toEqual(maskNames);
  expect(() => maskGenerator('blocks')).toThrow(
    /^a mask must be one of random, block, grid, green-noise, got "blocks".*"block"/,
  );
});
