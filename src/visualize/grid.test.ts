import sharp from 'sharp';
import { expect, test } from 'vitest';
import { renderGrid } from './grid.ts';
import { blankImage, type RgbImage } from './rgb-image.ts';

const solid = (size: number, [r, g, b]: readonly [number, number, number]): RgbImage => {
  const image = blankImage(size, size);
  for (let i = 0; i < size * size; i++) image.data.set([r, g, b], i * 3);
  return image;
};
const red = solid(32, [255, 0, 0]);
const blue = solid(32, [0, 0, 255]);
/** Colour of the line around pictures. */
const FRAME = '208,208,208';

async function decode(png: Buffer) {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  const pixels: string[] = [];
  for (let i = 0; i < data.length; i += 3) pixels.push(data.subarray(i, i + 3).join());
  const box = (colour: string) => {
    const at = pixels.flatMap((pixel, i) => (pixel === colour ? [i] : []));
    const xs = at.map((i) => i % info.width);
    const ys = at.map((i) => Math.floor(i / info.width));
    const [left, top] = [Math.min(...new Set(xs)), Math.min(...new Set(ys))];
    return {
      left,
      top,
      width: Math.max(...new Set(xs)) - left + 1,
      height: Math.max(...new Set(ys)) - top + 1,
    };
  };
  const dark = (pixel: string) => /^(\d+),\1,\1$/.test(pixel) && Number.parseInt(pixel, 10) < 128;
  const inkRows = new Set(pixels.flatMap((pixel, i) => (dark(pixel) ? [Math.floor(i / info.width)] : [])))
    .size;
  const grey = pixels.filter((pixel) => /^(\d+),\1,\1$/.test(pixel) && pixel !== '255,255,255');
  const ink = grey.filter((pixel) => pixel !== FRAME).length;
  return { width: info.width, height: info.height, box, ink, inkRows };
}

test('a thin frame shows where a white picture ends', async () => {
  const grid = await decode(await renderGrid({ rows: [[blankImage(128, 64)]], columnTitles: [''] }));
  expect(grid.box(FRAME)).toEqual({ left: 15, top: 15, width: 130, height: 66 });
});

test('small pictures are enlarged and stand in their columns, with text above and below', async () => {
  const bare = await decode(await renderGrid({ rows: [[red, blue]], columnTitles: ['', ''] }));
  expect(bare.box('255,0,0')).toEqual({ left: 16, top: 16, width: 128, height: 128 });
  expect(bare.box('0,0,255')).toEqual({ left: 16 + 128 + 8, top: 16, width: 128, height: 128 });
  expect([bare.width, bare.height, bare.ink]).toEqual([128 * 2 + 8 + 32, 128 + 32, 0]);

  const titled = await decode(
    await renderGrid({ rows: [[red, blue]], columnTitles: ['original', 'masked'], caption: 'x' }),
  );
  expect(titled.ink).toBeGreaterThan(300);
  expect(titled.box('255,0,0').top).toBeGreaterThan(25);
  expect(titled.height - titled.box('255,0,0').top - 128).toBeGreaterThan(30);
});

test('a line below each picture moves the next row down, and no picture', async () => {
  const rows = [[red], [blue]];
  const [plain, titled] = await Promise.all(
    [undefined, [['0.912'], ['']]].map(async (cellTitles) =>
      decode(await renderGrid({ rows, columnTitles: ['a'], ...(cellTitles && { cellTitles }) })),
    ),
  );
  expect(titled!.box('255,0,0')).toEqual(plain!.box('255,0,0'));
  const [before, after] = [plain!.box('0,0,255'), titled!.box('0,0,255')];
  expect(after).toEqual({ ...before, top: after.top });
  expect(after.top - before.top).toBeGreaterThan(10);
  expect(titled!.ink).toBeGreaterThan(plain!.ink);
});

test('row titles stand to the left; empty cells stay white', async () => {
  const options = {
    rows: [
      [red, undefined],
      [undefined, blue],
    ],
    columnTitles: ['', ''],
    rowTitles: ['first', 'second'],
  };
  const grid = await decode(await renderGrid({ ...options, cellSize: 64 }));
  const [first, second] = [grid.box('255,0,0'), grid.box('0,0,255')];
  expect(first.left).toBeGreaterThan(50);
  expect(second).toMatchObject({ left: first.left + 64 + 8, top: first.top + 64 + 8, width: 64 });
});

test('long titles and captions never leave the picture', async () => {
  const word = 'reconstructions-without-a-break';
  const grid = await decode(
    await renderGrid({ rows: [[red]], columnTitles: [word], caption: word.repeat(8), cellSize: 32 }),
  );
  expect(grid.width).toBeGreaterThan(200);
  expect(grid.width).toBeLessThan(420);
});

test('row titles stay on one line, of long ones the middle is left out', async () => {
  const height = async (title: string, font = 64) => {
    const grid = await decode(
      await renderGrid({ rows: [[red]], columnTitles: [''], rowTitles: [title], cellSize: font }),
    );
    const rows = grid.inkRows;
    return { ink: rows, left: grid.box('255,0,0').left };
  };
  const short = await height('cat.jpg');
  for (const title of [
    '/home/me/photos of the garden/a long name of a rose 000.jpg',
    `/x/${'é'.repeat(300)}.png`,
    'a name\nof\nlines\r\n\u001b[31m.jpg',
    '\u202egpj.cat\u2028of a page.jpg',
  ]) {
    const long = await height(title);
    expect(long.ink).toBeLessThanOrEqual(short.ink + 4); // one line, whatever its accents
    expect(long.left).toBeLessThan(16 + 190 + 8 + 1);
  }
});

test('names of columns are broken after a plus, not at a hyphen', async () => {
  const widthOf = async (...columnTitles: string[]) =>
    (await decode(await renderGrid({ rows: [columnTitles.map(() => red)], columnTitles, cellSize: 128 })))
      .width;
  const plain = await widthOf('masked', 'masked');
  // Two lines that fit; on one line the name would be wider than its pictures.
  expect(await widthOf('masked+zoomed-in', 'masked')).toBe(plain);
  expect(await widthOf('de-colorized-hsv-de-colorized', 'masked')).toBeGreaterThan(plain);
});

test('large pictures are shrunk', async () => {
  const grid = await decode(await renderGrid({ rows: [[solid(500, [255, 0, 0])]], columnTitles: [''] }));
  expect(grid.box('255,0,0').width).toBe(160);
});

test('rules are named', async () => {
  await expect(renderGrid({ rows: [], columnTitles: [] })).rejects.toThrow('must hold a picture, got none');
  await expect(renderGrid({ rows: [[red]], columnTitles: ['a', 'b'] })).rejects.toThrow(
    'each of the 2 columns, got 1',
  );
  await expect(renderGrid({ rows: [[red]], columnTitles: ['a'], rowTitles: [] })).rejects.toThrow(
    'each of the 1 row, got 0',
  );
  await expect(renderGrid({ rows: [[red]], columnTitles: ['a'], cellSize: 0 })).rejects.toThrow(
    'in 1..4096, got 0',
  );
  await expect(renderGrid({ rows: [[{ ...red, width: 3 }]], columnTitles: ['a'] })).rejects.toThrow(
    'got 32x3',
  );
});
