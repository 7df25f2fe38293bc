import { basename, dirname, extname, join } from 'node:path';
import { writeFileAtomic, writeFilesAtomic } from '../io/atomic.ts';
import { makeFolder } from '../io/make-folder.ts';
import { RunError } from '../run/error.ts';
import { requireOutputFolder } from '../run/output.ts';
import { type Block, renderHtml, renderMarkdown } from './page.ts';

/** Throws RunError for a page of another kind than HTML and Markdown, or the system's error for a folder that cannot be written. */
export async function requirePage(output: string): Promise<void> {
  const type = extname(output).toLowerCase();
  if (type !== '.html' && type !== '.md')
    throw new RunError(`a page must end in .html or .md, got ${output}`);
  await requireOutputFolder(dirname(output));
}

/**
 * Writes a page: `.html`, one file with everything in it, or `.md`, with its pictures in a folder beside it. Returns the files.
 * Throws RunError for another kind of page, or the system's error.
 */
export async function writePage(output: string, title: string, blocks: readonly Block[]): Promise<string[]> {
  await requirePage(output);
  await makeFolder(dirname(output));
  if (extname(output).toLowerCase() === '.html') {
    await writeFileAtomic(output, renderHtml(title, blocks));
    return [output];
  }
  const folder = `${basename(output, extname(output))}-pictures`;
  const pictures: (readonly [path: string, data: Uint8Array | string])[] = [];
  await makeFolder(join(dirname(output), folder));
  for (const block of blocks)
    if (block.kind === 'picture')
      pictures.push([join(dirname(output), folder, block.picture.name), block.picture.data]);
  await writeFilesAtomic([...pictures, [output, renderMarkdown(title, blocks, folder)]]);
  return [output, ...pictures.map(([path]) => path)];
}
