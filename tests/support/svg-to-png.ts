import sharp from 'sharp';
import { drawText } from '../../src/visualize/text.ts';

/** Draws an SVG document as a PNG file, twice as large. Its text is drawn on a machine without fonts, too. */
export async function svgToPng(svg: string): Promise<Buffer> {
  for (const bold of [false, true]) await drawText('x', { size: 12, bold }); // makes the font known to the process
  return sharp(Buffer.from(svg), { density: 144 }).png().toBuffer();
}
