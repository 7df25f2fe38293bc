import sharp from 'sharp';
import { drawText } from '../../src/visualize/text.ts';

/** Renders an SVG document as a PNG file at twice the size. Works on machines without fonts. */
export async function svgToPng(svg: string): Promise<Buffer> {
  for (const bold of [false, true]) await drawText('x', { size: 12, bold }); // registers the font with the process
  return sharp(Buffer.from(svg), { density: 144 }).png().toBuffer();
}
