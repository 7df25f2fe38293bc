import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import sharp from 'sharp';
import { escapeMarkup } from './escape-markup.ts';
import type { RgbImage } from './rgb-image.ts';

export interface TextStyle {
  /** Font size in pixels. */
  readonly size: number;
  readonly bold?: boolean;
  /** Grey level of the ink, 0 (black, the default) to 255. */
  readonly ink?: number;
  /** Breaks lines between words at this width in pixels; one line without it. */
  readonly width?: number;
  /** Whether a word longer than the width is broken too, or sticks out (the default). */
  readonly breakWords?: boolean;
  readonly align?: 'left' | 'centre' | 'right';
}

const fontFile = createRequire(import.meta.url).resolve;

/**
 * Draws text in DejaVu Sans, black on white, cropped to its ink in width. The font comes with this library, so
 * a machine without fonts draws it too. The last line's baseline lies at the same height above the
 * bottom whatever letters it holds.
 */
export async function drawText(text: string, style: TextStyle): Promise<RgbImage> {
  const { size, bold = false, ink = 0, width, breakWords, align = 'left' } = style;
  const name = bold ? 'DejaVuSans-Bold' : 'DejaVuSans';
  silenceFontconfig();
  // The picture is cropped to its ink: an invisible bar at the end, as high as any letter, keeps the baseline.
  const bar = `<span alpha="1" letter_spacing="${-Math.round(size * 0.3 * 1024)}">|</span>`;
  const options = {
    text: escapeMarkup(text) + bar,
    font: `DejaVu Sans ${bold ? 'Bold ' : ''}${size}`,
    fontfile: fontFile(`dejavu-fonts-ttf/ttf/${name}.ttf`),
    dpi: 72, // one point is one pixel
    rgba: true,
    align,
    ...(width === undefined
      ? {}
      : ({ width: Math.max(1, Math.round(width)), wrap: breakWords ? 'word-char' : 'word' } as const)),
  };
  const { data, info } = await sharp({ text: options }).raw().toBuffer({ resolveWithObject: true });
  const pixels = new Uint8Array(info.width * info.height * 3);
  for (let i = 0; i < info.width * info.height; i++) {
    const alpha = data[i * 4 + 3]! / 255;
    pixels.fill(Math.round(255 + (ink - 255) * alpha), i * 3, i * 3 + 3);
  }
  return { width: info.width, height: info.height, data: pixels };
}

/**
 * Without a configuration (a bare container) fontconfig complains on the terminal, though nothing is wrong:
 * give it the one that comes with the font.
 */
function silenceFontconfig(): void {
  if (process.platform !== 'linux' || process.env.FONTCONFIG_FILE || process.env.FONTCONFIG_PATH) return;
  if (!existsSync('/etc/fonts/fonts.conf'))
    process.env.FONTCONFIG_FILE = fontFile('dejavu-fonts-ttf/fontconfig/57-dejavu-sans.conf');
}
