import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { DataError } from '../error.ts';
import { isRecord, shown } from './annotated.ts';
import { CLASS_LISTS } from './layout.ts';
import { readText } from './read-text.ts';

/**
 * Names of the classes from a file in one of the folders: `classes.txt`, `labels.txt` or `*.names`, a name a line, or the `names` of YOLO's
 * `data.yaml`; undefined where there is none. Rejects with a DataError for a file of another form.
 */
export async function classNames(folders: readonly string[]): Promise<readonly string[] | undefined> {
  for (const folder of folders) {
    const files = await readdir(folder).catch(() => []);
    for (const file of files.sort()) {
      const path = join(folder, file);
      if (CLASS_LISTS.includes(file) || file.endsWith('.names')) return lines(await readText(path), path);
      if (!/\.ya?ml$/.test(file)) continue;
      const names = fromYaml(await readText(path), path);
      if (names) return names;
    }
  }
  return undefined;
}

function lines(text: string, path: string): string[] {
  const names = text.split(/\r?\n/).map((line) => line.trim());
  while (names.at(-1) === '') names.pop();
  return checked(names, path);
}

/** The names of a YAML file; undefined where it has none. */
function fromYaml(text: string, path: string): string[] | undefined {
  let content: unknown;
  try {
    content = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw new DataError(`'${path}' must be YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  if (!isRecord(content) || content.names === undefined) return undefined;
  const { names } = content;
  if (Array.isArray(names)) return checked(names, path);
  const numbers = isRecord(names) ? Object.keys(names).map(Number) : [];
  if (!isRecord(names) || numbers.some((n, i) => n !== i))
    throw new DataError(
      `'${path}': "names" must be a list, or names by the numbers 0, 1, 2, …, got ${shown(isRecord(names) ? Object.keys(names) : names)}`,
    );
  return checked(Object.values(names), path);
}

function checked(names: readonly unknown[], path: string): string[] {
  const wrong = names.findIndex((name) => typeof name !== 'string' && typeof name !== 'number');
  if (names.length === 0 || wrong >= 0 || names.includes(''))
    throw new DataError(
      `'${path}' must list the names of the classes, got ${names.length === 0 ? 'none' : shown(names[wrong] ?? '')}`,
    );
  return names.map(String);
}
