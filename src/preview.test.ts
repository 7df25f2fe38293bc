import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { beforeAll, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../tests/support/temporary-folder.ts';
import { tinyImages } from '../tests/support/tiny-run.ts';
import { BrokenImages } from './data/load/broken.ts';
import { openImages } from './data/sources/image-list.ts';
import { referenceEngine } from './engines/reference/engine.ts';
import { IMAGENET } from './image/normalise.ts';
import { preview } from './preview.ts';
import { task } from './tasks/table.ts';

const grid = vi.hoisted(() => vi.fn());
vi.mock('./visualize/grid.ts', async (original) => {
  const { renderGrid } = await original<typeof import('./visualize/grid.ts')>();
  return { renderGrid: (options: object) => [grid(options), renderGrid(options as never)][1] };
});

const folder = temporaryFolder();
const image = (i: number) => join(folder, 'images', 'class0', `${String(i).padStart(3, '0')}.png`);
beforeAll(async () => {
  await tinyImages(join(folder, 'images'), 6, 1);
  await writeFile(join(folder, 'torn.jpg'), 'no image');
});

async function drawn(names: readonly string[], tasks: readonly string[]) {
  const broken = new BrokenImages(() => {});
  const png = await preview(await openImages(names), {
    ...{ ...IMAGENET, engine: referenceEngine, tasks: tasks.map((name) => task(name)), broken },
    geometry: { image: [32, 32], patch: 4, channels: 3 },
  });
  expect((await sharp(png).metadata()).format).toBe('png');
  return { options: grid.mock.lastCall![0], broken: [...broken.reasons.keys()] };
}

it('names files, leaves out the broken ones, and says what was scaled', async () => {
  const names = [image(0), join(folder, 'torn.jpg'), image(1), image(0)];
  const { options, broken } = await drawn(names, ['masked+zoomed-in', 'blurred']);
  expect(broken).toEqual([join(folder, 'torn.jpg')]);
  expect(options.rowTitles).toEqual(['000.png', '001.png', '000.png']);
  expect(options.rows).toHaveLength(3);
  expect(options.rows.flat()).not.toContain(undefined);
  expect(options.columnTitles).toEqual(['original', 'masked+zoomed-in', 'blurred\n(contrast scaled)']);
});

it('outlines in the original the part that a zoomed-in view shows, and nothing for other tasks', async () => {
  const { options } = await drawn([image(0)], ['blurred', 'zoomed-out', 'masked+zoomed-in']);
  const [original, ...degraded] = options.rows[0];
  // The view has 42 pixels a side; the encoder sees 32 after the fifth.
  for (const [side, edge] of Object.entries({ top: 5, left: 5, bottom: 37, right: 37 }))
    expect(Math.abs(original.box[side] - (edge * 32) / 42)).toBeLessThan(0.2);
  expect(degraded.map(({ box }: { box?: object }) => box)).toEqual([undefined, undefined, undefined]);
  expect((await drawn([image(0)], ['blurred', 'zoomed-out'])).options.rows[0][0].box).toBeUndefined();
});

it('the blurred picture has shades', async () => {
  const { options } = await drawn([image(2), image(3)], ['blurred']);
  for (const [, { data }] of options.rows) {
    const extreme = data.filter((x: number) => x === 0 || x === 255).length / data.length;
    expect(extreme).toBeLessThan(0.05);
  }
});

it("draws Pillow's pictures, whose high contrast a filter takes beyond black and white", async () => {
  const pictures = fileURLToPath(new URL('../tests/fixtures/pictures/', import.meta.url));
  const { options, broken } = await drawn([pictures], ['blurred', 'masked+blurred', 'zoomed-in']);
  expect(broken).toEqual(['torn.jpg']);
  expect(options.rowTitles).toEqual([
    'a zebra (in the sun), seen from the side.jpg',
    'zebra-cmyk.jpg',
    'zebra.png',
  ]);
  expect(options.columnTitles).toEqual([
    'original',
    'blurred\n(contrast scaled)',
    'masked+blurred\n(contrast scaled)',
    'zoomed-in',
  ]);
});

it('nothing but broken images is an error that says so', async () => {
  await expect(drawn([join(folder, 'torn.jpg'), join(folder, 'torn.jpg')], ['masked'])).rejects.toThrow(
    /image/,
  );
});
