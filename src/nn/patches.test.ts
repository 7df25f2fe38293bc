import { expect, it } from 'vitest';
import { evaluate } from '../../tests/support/evaluate.ts';
import { readFixture } from '../../tests/support/fixture.ts';
import { normals, whole, withRandom } from '../../tests/support/random.ts';
import { constant } from '../graph/index.ts';
import { channelsLast, patchify, unpatchify } from './patches.ts';

it('cuts images into patches of (channel, row, column)', () => {
  withRandom(30, (random) => {
    const [batch, channels, patch] = [whole(random, 1, 3), whole(random, 1, 4), whole(random, 1, 4)];
    const [rows, columns] = [whole(random, 1, 4), whole(random, 1, 4)];
    const [height, width] = [rows * patch, columns * patch];
    const image = normals(random, batch * channels * height * width);
    const patches = patchify(constant(image, [batch, channels, height, width]), patch);
    expect(patches.shape).toEqual([batch, rows * columns, channels * patch * patch]);
    const expected: number[] = [];
    for (let b = 0; b < batch; b++)
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++)
          for (let c = 0; c < channels; c++)
            for (let y = 0; y < patch; y++)
              for (let x = 0; x < patch; x++) {
                const at = [b, c, row * patch + y, column * patch + x] as const;
                expected.push(image[((at[0] * channels + at[1]) * height + at[2]) * width + at[3]]!);
              }
    expect(evaluate(patches)).toEqual(expected);
    const together = unpatchify(patches, { image: [height, width], patch, channels });
    expect(evaluate(together)).toEqual([...image]);
  });
});

it('has the order of the oracle outside', async () => {
  const { float, shape, metadata } = await readFixture('pieces');
  const image = constant(float('target.image'), shape('target.image'));
  const patches = channelsLast(patchify(image, metadata('target').patch), 3);
  expect(patches.shape).toEqual(shape('target.patches'));
  expect(evaluate(patches)).toEqual([...float('target.patches')]);
});

it('refuses images that patches do not tile', () => {
  const image = constant(new Float32Array(3 * 8 * 9), [1, 3, 8, 9]);
  expect(() => patchify(image, 4)).toThrow('image sides must be multiples of the patch, got 8×9 and 4');
});
