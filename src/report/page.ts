import { escapeMarkup } from '../visualize/escape-markup.ts';

/** A part of a page. Text is plain; rendering escapes it. */
export type Block =
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'paragraph'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  /** The first row is the heading. */
  | { readonly kind: 'table'; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: 'picture'; readonly caption: string; readonly picture: Picture };

/** A picture as a file. */
export interface Picture {
  /** File name; unique in a page. */
  readonly name: string;
  readonly type: 'image/svg+xml' | 'image/png';
  readonly data: Uint8Array;
}

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1400px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.6em; } h2 { font-size: 1.2em; margin-top: 2em; }
.scroll { overflow-x: auto; background: linear-gradient(to right, #fff 30%, #fff0) 0 0 / 3em 100% no-repeat local,
  linear-gradient(to left, #fff 30%, #fff0) 100% 0 / 3em 100% no-repeat local,
  linear-gradient(to right, #0003, #0000) 0 0 / 0.8em 100% no-repeat scroll,
  linear-gradient(to left, #0003, #0000) 100% 0 / 0.8em 100% no-repeat scroll; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { padding: 0.3em 0.9em 0.3em 0; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap; }
th.text, td.text { text-align: left; } thead th { border-bottom: 2px solid #888; }
img { max-width: 100%; } img.curves { min-width: 600px; } figure { margin: 1.5em 0; } figcaption { color: #555; }`;

/** One HTML file with everything in it: it loads nothing and runs no script. */
export function renderHtml(title: string, blocks: readonly Block[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeMarkup(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeMarkup(title)}</h1>
${blocks.map(htmlBlock).join('\n')}
</body>
</html>
`;
}

function htmlBlock(block: Block): string {
  if (block.kind === 'heading') return `<h2>${escapeMarkup(block.text)}</h2>`;
  if (block.kind === 'paragraph') return `<p>${escapeMarkup(block.text)}</p>`;
  if (block.kind === 'list')
    return `<ul>\n${block.items.map((item) => `<li>${escapeMarkup(item)}</li>`).join('\n')}\n</ul>`;
  if (block.kind === 'table') return htmlTable(block.rows);
  const { type, data } = block.picture;
  const caption = escapeMarkup(block.caption);
  const source = `data:${type};base64,${Buffer.from(data).toString('base64')}`;
  const look = type === 'image/svg+xml' ? ' class="curves"' : '';
  return `<figure><figcaption>${caption}</figcaption><div class="scroll"><img alt="${caption}"${look} src="${source}"></div></figure>`;
}

function htmlTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const look = textColumns(rows).map((isText) => (isText ? ' class="text"' : ''));
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell, i) => `<${tag}${look[i]}>${escapeMarkup(cell)}</${tag}>`).join('')}</tr>`;
  const lines = body.map((row) => line(row, 'td')).join('\n');
  return `<div class="scroll"><table>\n<thead>${line(head, 'th')}</thead>\n<tbody>\n${lines}\n</tbody>\n</table></div>`;
}

/** Which columns are set to the left: the first, and those in which anything but numbers stands. */
function textColumns([head = [], ...body]: readonly (readonly string[])[]): boolean[] {
  return head.map((_, i) => i === 0 || !body.every((row) => /^([+−]?\d.*|[–?]?)$/.test(row[i] ?? '')));
}

/** Markdown that shows its pictures from a folder. @param folder relative to the page, with `/` */
export function renderMarkdown(title: string, blocks: readonly Block[], folder: string): string {
  const texts = blocks.map((block) => {
    if (block.kind === 'heading') return `## ${escapeMarkdown(block.text)}`;
    if (block.kind === 'paragraph') return escapeMarkdown(block.text);
    if (block.kind === 'list') return block.items.map((item) => `- ${escapeMarkdown(item)}`).join('\n');
    if (block.kind === 'table') return markdownTable(block.rows);
    const path = `${folder}/${block.picture.name}`.split('/').map(encodeURIComponent).join('/');
    return `${escapeMarkdown(block.caption)}\n\n![${escapeMarkdown(block.caption)}](${path})`;
  });
  return `# ${escapeMarkdown(title)}\n\n${texts.join('\n\n')}\n`;
}

/** A table with names to the left, numbers to the right. The first row is the heading. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = textColumns(rows).map((isText) => (isText ? '---' : '---:'));
  return [head.map(escapeMarkdown), rule, ...body.map((row) => row.map(escapeMarkdown))].map(line).join('\n');
}

/** Text as CommonMark (with tables) shows it; on one line. */
function escapeMarkdown(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\p{Cc}\p{Surrogate}]/gu, '\uFFFD')
    .replace(/[\\`*_[\]<>|~&]/g, '\\$&')
    .replace(/^(#+|[+\-=])(?=\s|$)/, '\\$&')
    .replace(/^(\d+)([.)])(?=\s|$)/, '$1\\$2');
}
