import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { helpTexts } from './support/help-texts.ts';

/**
 * Phrases that are hard to read, each with a plain form. A match is a fault anywhere in a text: in code, comments and messages.
 * Phrases may be broken by the end of a line.
 */
const retired: readonly (readonly [phrase: RegExp, plain: string])[] = [
  [/\black(s|ed|ing)?\b/gi, '"is missing", "has no" or "without"'],
  [/\banew\b/gi, '"again", or a verb such as "recompute"'],
  [/\bso\s+many\b/gi, '"this number of", or the number itself'],
  [/\bof\s+(its|their)\s+own\b/gi, '"separate", or "its" before the noun'],
  [/\bstand(s|ing)?\s+(in\s+)?for\b/gi, '"is", "means" or "replaces"'],
  [/\bin\s+all\s*[.,;:)'"`]/gi, '"in total", or the number alone'],
  [/\b(go|goes|going|went)\s+on\b/gi, '"continue", "resume" or "stay usable"'],
  [/\b(tell|tells|telling|told)\b/gi, '"say", "show", "report" or "distinguish"'],
  [/\b(after|as|beside|by|from|in|of|on|than|to|with)\s+what\b/gi, 'a noun in place of "what …"'],
  [/\bof\s+which\b/gi, 'a second sentence'],
  [/\bthose\s+(that|which|whose)\b/gi, 'the noun in place of "those"'],
  [/(\/\*\*|\/\/)\s+(What|Whether|Those|By what)\b(?!ever)/g, 'a noun, or "True if …" for a flag'],
];

/** Folders and texts that still hold such phrases. A swept one is removed from this list. */
const toDo: readonly string[] = [];

/** Retired phrases of a text, each with its line and its plain form. */
function faults(name: string, text: string): string[] {
  // Blanks of the same length replace the marks of continued comments, so that positions stay.
  const joined = text.replace(/\n\s*(\*|\/\/)(?= )/g, (mark) => ' '.repeat(mark.length));
  return retired.flatMap(([phrase, plain]) =>
    [...joined.matchAll(phrase)].map(({ index, 0: found }) => {
      const line = text.slice(0, index).split('\n').length;
      return `${name}:${line}: "${found.replace(/\s+/g, ' ')}"; write ${plain}`;
    }),
  );
}

/** All texts by name: sources, documentation, the newest section of the changelog, and the help of all commands. */
async function texts(): Promise<Map<string, string>> {
  const folders = await Promise.all(
    ['src', 'docs'].map(async (folder) =>
      (await readdir(folder, { recursive: true })).map((name) => join(folder, name).replaceAll('\\', '/')),
    ),
  );
  const files = [...folders.flat().filter((name) => /\.(ts|md)$/.test(name)), 'README.md', 'CHANGELOG.md'];
  const contents = await Promise.all(
    files.map(async (name) => [name, await readFile(name, 'utf8')] as const),
  );
  const all = new Map(contents);
  all.set('CHANGELOG.md', all.get('CHANGELOG.md')!.split('\n## ')[1]!);
  return all.set('--help', helpTexts().join('\n'));
}

describe('plain English', () => {
  it('has no retired phrase', async () => {
    const swept = [...(await texts())].filter(([name]) => !toDo.some((start) => name.startsWith(start)));
    expect(swept.length).toBeGreaterThan(200);
    expect(swept.flatMap(([name, text]) => faults(name, text))).toEqual([]);
  });

  it('is still missing in every text of the list', async () => {
    const all = [...(await texts())];
    const done = toDo.filter((start) =>
      all.filter(([name]) => name.startsWith(start)).every(([name, text]) => faults(name, text).length === 0),
    );
    expect(done, 'remove from the list').toEqual([]);
  });

  // The phrases are split, so that this file could be checked by itself.
  it.each([
    [`/** By w${'hat'} both branches are multiplied. */`, 'a noun, or'],
    [`  // The weights are computed ane${'w'}.`, '"again"'],
    [`throw new Error('a weight that la${'cks'}')`, '"is missing"'],
    [`(33 in al${'l'})`, '"in total"'],
    [`stopped; go o${'n'} with:`, '"continue"'],
    [`/** Whet${'her'} the file is there. */`, '"True if'],
    [`tokens o${'f which'} the first are kept`, 'a second sentence'],
    [` * of what\n * is ${'left'}`, 'a noun'],
  ])('finds %s', (line, plain) => {
    expect(faults('a.ts', `const a = 1;\n${line}`).join()).toContain(plain);
  });

  it.each(['in all of them', 'black', 'what it is', 'a newborn', '// Whatever the side', 'those of a row'])(
    'accepts "%s"',
    (line) => {
      expect(faults('a.ts', line)).toEqual([]);
    },
  );
});
