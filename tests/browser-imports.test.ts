import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { outsideImports } from './support/import-closure.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const folder = temporaryFolder();
/** Packages of plain JavaScript that run in a page. */
const allowed = ['d3-scale', 'd3-shape', 'zod'];
/** Imports a module whose URL the caller gives, which a page can do as well. */
const importsByUrl = fileURLToPath(new URL('../dist/modules/load-export.js', import.meta.url));

test('beyond-masking/browser reaches no module of Node and no native package', () => {
  const imports = outsideImports(new URL('../dist/browser.js', import.meta.url));
  for (const name of allowed) imports.delete(name);
  expect(Object.fromEntries(imports)).toEqual({ 'import(…)': [importsByUrl] });
});

test('the ordinary entry reaches some', () => {
  const imports = outsideImports(new URL('../dist/index.js', import.meta.url));
  expect([...imports.keys()]).toEqual(expect.arrayContaining(['node:fs', 'sharp', 'onnxruntime-node']));
});

test.each([
  ["import { readFileSync } from 'node:fs';", 'node:fs'],
  ["import {\n  a,\n  b,\n} from 'node:os';", 'node:os'],
  ["import 'koffi';", 'koffi'],
  ["export * from 'fs/promises';", 'fs/promises'],
  ["export { default as sharp } from 'sharp';", 'sharp'],
  ["const ort = await import('onnxruntime-node');", 'onnxruntime-node'],
  ['const load = (name) => import(name);', 'import(…)'],
  ['const folder = process.cwd();', 'process'],
  ["const bytes = Buffer.from('a');", 'Buffer'],
])('a planted %j is found', (line, name) => {
  mkdirSync(join(folder, 'inner'), { recursive: true });
  writeFileSync(join(folder, 'entry.js'), "export { x } from './inner/module.js';\n");
  writeFileSync(join(folder, 'inner', 'module.js'), `export const x = 1;\n${line}\n`);
  const imports = outsideImports(pathToFileURL(join(folder, 'entry.js')));
  expect([...imports]).toEqual([[name, [join(folder, 'inner', 'module.js')]]]);
});
