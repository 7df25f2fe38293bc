import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import sharp from 'sharp';
import { escapeMarkup } from './escape-markup.ts';
import type { RgbImage } from './rgb-image.ts';

export interface TextStyle {
  /** Font size in pixels. */
  readonly size: number;
  readonly bold?: boolean;
  /** Grey level of the text, 0 (black, the default) to 255. */
  readonly ink?: number;
  /** Wraps lines between words at this width in pixels. Default: one line. */
  readonly width?: number;
  /** True: words longer than the width are broken. Default: they stick out. */
  readonly breakWords?: boolean;
  readonly align?: 'left' | 'centre' | 'right';
}

const fontFile = createRequire(import.meta.url).resolve;

/**
 * Draws text in DejaVu Sans, black on white, cropped to its ink in width. The font is part of this library, so
 * machines without fonts draw it too. The last line's baseline is at the same height above the bottom for any
 * letters.
 */
export async function drawText(text: string, style: TextStyle): Promise<RgbImage> {
  const { size, bold = false, ink = 0, width, breakWords, align = 'left' } = style;
  const name = bold ? 'DejaVuSans-Bold' : 'DejaVuSans';
  silenceFontconfig();
  // The picture is cropped to its ink. An invisible bar at the end, as high as any letter, fixes the baseline.
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

/** Sets the font's configuration if there is none (a bare container). Fontconfig would otherwise print a warning. */
function silenceFontconfig(): void {
  if (process.platform !== 'linux' || process.env.FONTCONFIG_FILE || process.env.FONTCONFIG_PATH) return;
  if (!existsSync('/etc/fonts/fonts.conf'))
    process.env.FONTCONFIG_FILE = fontFile('dejavu-fonts-ttf/fontconfig/57-dejavu-sans.conf');
}
