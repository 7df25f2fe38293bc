import { mkdir } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { writeFileAtomic } from '../io/atomic.ts';
import { RunError } from '../run/error.ts';
import { type Block, renderHtml, renderMarkdown } from './page.ts';

/** Throws RunError for a page of another kind than HTML and Markdown. */
export function requirePage(output: string): void {
  const type = extname(output).toLowerCase();
  if (type !== '.html' && type !== '.md')
    throw new RunError(`a page must end in .html or .md, got ${output}`);
}

/**
 * Writes a page: `.html`, one file with everything in it, or `.md`, with its pictures in a folder beside it. Returns the files.
 * Throws RunError for another kind of page, or the system's error.
 */
export async function writePage(output: string, title: string, blocks: readonly Block[]): Promise<string[]> {
  requirePage(output);
  await mkdir(dirname(output), { recursive: true });
  if (extname(output).toLowerCase() === '.html') {
    await writeFileAtomic(output, renderHtml(title, blocks));
    return [output];
  }
  const folder = `${basename(output, extname(output))}-pictures`;
  const files: string[] = [];
  await mkdir(join(dirname(output), folder), { recursive: true });
  for (const block of blocks) {
    if (block.kind !== 'picture') continue;
    const path = join(dirname(output), folder, block.picture.name);
    await writeFileAtomic(path, block.picture.data);
    files.push(path);
  }
  await writeFileAtomic(output, renderMarkdown(title, blocks, folder));
  return [output, ...files];
}
