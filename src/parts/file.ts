import { stat } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PartError } from '../modules/module-export.ts';
import { nearest } from '../text/nearest.ts';
import { type Parts, partKinds } from './parts.ts';

/**
 * The parts that a module exports, as `--task-file` names it: `export const tasks = [mine]`. Other exports are left alone.
 * Rejects with a PartError where the file is missing, does not load, exports no part, or is TypeScript that this Node does not read.
 */
export async function loadParts(path: string): Promise<Parts> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile())
    throw new PartError(`${path}: no such file; a task file is a module: mine.mjs, mine.js or mine.ts`);
  const isTypeScript = /^\.[mc]?ts$/.test(extname(path));
  if (isTypeScript && !(process.features as { readonly typescript?: unknown }).typescript)
    throw new PartError(
      `a task file in TypeScript needs a Node that strips types, 22.18 or later, got Node ${process.versions.node}: ` +
        `compile it (npx tsc --module nodenext --target es2022 ${path}) and name the .js file`,
    );
  const exported = await load(path);
  const parts = Object.fromEntries(
    partKinds.flatMap((kind) => (kind in exported ? [[kind, exported[kind]]] : [])),
  );
  if (Object.keys(parts).length > 0) return parts;
  const names = Object.keys(exported);
  const meant = names.map((name) => nearest(name, partKinds)).find((name) => name !== undefined);
  throw new PartError(
    `a task file must export ${partKinds.join(', ')}, or some of them, got ${names.join(', ') || 'no exports'} in ${path}: ` +
      `export const ${meant ?? 'tasks'} = ${meant === 'engine' ? 'mine' : '[mine]'}`,
  );
}

async function load(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(pathToFileURL(resolve(path)).href);
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error));
    const where = error instanceof SyntaxError ? `; node --check ${path} shows where` : '';
    throw new PartError(`${path} must load, got: ${message.split('\n')[0]}${where}`);
  }
}
