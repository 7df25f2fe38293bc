import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { RgbImage } from './rgb-image.ts';

// Simulates a machine without fonts: fontconfig reads this once, at the first text of the process.
const folder = mkdtempSync(join(tmpdir(), 'no-fonts-'));
writeFileSync(join(folder, 'fonts.conf'), '<?xml version="1.0"?><fontconfig></fontconfig>');
process.env.FONTCONFIG_FILE = join(folder, 'fonts.conf');
const { drawText } = await import('./text.ts');

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const inkOf = ({ data }: RgbImage) => data.filter((value) => value < 128).length / 3;
/** Lowest row with ink. */
function bottom({ width, height, data }: RgbImage): number {
  for (let y = height - 1; y >= 0; y--)
    if (data.subarray(y * width * 3, (y + 1) * width * 3).some((value) => value < 128)) return y;
  return -1;
}

test('letters are drawn without any installed font', async () => {
  const [thin, wide] = [await drawText('iiii', { size: 14 }), await drawText('WWWW', { size: 14 })];
  expect(inkOf(thin)).toBeGreaterThan(30);
  expect(wide.width).toBeGreaterThan(2.5 * thin.width); // boxes for missing letters have one width
  expect(inkOf(await drawText('iiii', { size: 14, bold: true }))).toBeGreaterThan(1.3 * inkOf(thin));
});

test('lines share height and baseline', async () => {
  const [flat, high, low] = await Promise.all(
    ['ace', 'Åhb', 'gyp'].map((text) => drawText(text, { size: 14 })),
  );
  expect(new Set([flat!.height, low!.height]).size).toBe(1);
  expect(bottom(flat!) - flat!.height).toBe(bottom(high!) - high!.height);
  expect(bottom(low!) - low!.height).toBeGreaterThan(bottom(flat!) - flat!.height);
});

test('long text wraps; a long word sticks out or is broken', async () => {
  const text = 'the mean and standard deviation of the patch';
  const [one, wrapped] = [await drawText(text, { size: 12 }), await drawText(text, { size: 12, width: 100 })];
  expect(wrapped.width).toBeLessThanOrEqual(100);
  expect(wrapped.height).toBeGreaterThan(2 * one.height);
  const word = { size: 12, width: 50 };
  expect((await drawText('reconstruction', word)).width).toBeGreaterThan(60);
  expect((await drawText('reconstruction', { ...word, breakWords: true })).width).toBeLessThanOrEqual(60);
});

test('markup is drawn, not obeyed', async () => {
  expect((await drawText('<b>&amp;', { size: 12 })).width).toBeGreaterThan(
    (await drawText('b', { size: 12 })).width * 4,
  );
});

test('text with control characters or halves of surrogate pairs is drawn', async () => {
  expect(inkOf(await drawText('a\u0000\u001b[0m\ud800\nb', { size: 12 }))).toBeGreaterThan(10);
});
