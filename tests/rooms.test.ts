import { spawnSync } from 'node:child_process';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from './support/temporary-folder.ts';

const folder = temporaryFolder();
const rooms = resolve('scripts/rooms.mjs');

it('linter, CONTRIBUTING.md and folders are in step with the table', () => {
  expect(spawnSync(process.execPath, [rooms, '--check'], { encoding: 'utf8' })).toMatchObject({
    stderr: '',
    status: 0,
  });
});

/** Files that break a rule, with what they import. */
const planted: readonly (readonly [path: string, rule: string, source: string])[] = [
  ['graph/up.ts', 'noRestrictedImports', "import { x } from '../nn/x.ts'; export const y = x;"],
  ['graph/operations/up.ts', 'noRestrictedImports', "export { x } from '../../models/sizes.ts';"],
  ['tasks/type.ts', 'noRestrictedImports', "import type { X } from '../data/x.ts'; export type Y = X;"],
  ['config/dynamic.ts', 'noRestrictedImports', "export const x = await import('../run/engine.ts');"],
  ['io/file.ts', 'noRestrictedImports', "import { x } from '../finetune.ts'; export const y = x;"],
  ['engines/xla/pjrt/file.ts', 'noRestrictedImports', "export { x } from '../../../pretrain.ts';"],
  ['engines/onednn/other.ts', 'noRestrictedImports', "export { x } from '../onnx/kernels.ts';"],
  ['engines/inner.ts', 'noRestrictedImports', "export { x } from './onnx/session.ts';"],
  ['train/inner.ts', 'noRestrictedImports', "export { x } from '../engines/onnx/session.ts';"],
  ['optim/engine.ts', 'noRestrictedImports', "export { x } from '../engines/engine.ts';"],
  ['text/out.ts', 'noRestrictedImports', "export { x } from '../../tests/support/tiny.ts';"],
  ['image/round.ts', 'noRestrictedImports', "export { x } from 'beyond-masking';"],
  ['pretrain.ts', 'noRestrictedImports', "export { x } from './cli/program.ts';"],
  ['preview.ts', 'noRestrictedImports', "export { x } from './pretrain.ts';"],
  ['run/one.ts', 'noImportCycles', "import { b } from './two.ts'; export const a = () => b;"],
  ['run/two.ts', 'noImportCycles', "import { a } from './one.ts'; export const b = () => a;"],
  ['run/a.ts', 'noImportCycles', "import type { B } from './b.ts'; export type A = B[];"],
  ['run/b.ts', 'noImportCycles', "import type { A } from './a.ts'; export type B = A[];"],
  ['graph/index.ts', 'noImportCycles', "export { z } from '../index.ts';"],
  ['index.ts', 'noImportCycles', "export { z } from './models/sizes.ts';"],
  ['models/sizes.ts', 'noImportCycles', "export { y as z } from '../graph/index.ts';"],
  ['nn/node.ts', 'noNodejsModules', "import { cpus } from 'node:os'; export const n = cpus();"],
  ['programs/node.ts', 'noNodejsModules', "import { join } from 'node:path'; export const j = join('a');"],
];
/** Files that break none. */
const allowed: readonly (readonly [path: string, source: string])[] = [
  ['nn/down.ts', "import { x } from '../graph/operations/x.ts'; export const y = x;"],
  ['graph/up.test.ts', "import { x } from '../nn/x.ts'; import 'node:fs'; export const y = x;"],
  ['engines/onnx/down.ts', "export { x } from '../../graph/x.ts'; export { y } from '../engine.ts';"],
  ['run/inner.ts', "export { x } from '../engines/onnx/engine.ts'; import 'node:fs';"],
  ['graph/operations/own.ts', "export { x } from '../index.ts';"],
  ['study/file.ts', "export { x } from '../finetune.ts';"],
  ['finetune.ts', "export { x } from './train/trainer.ts';"],
  ['cli/commands/finetune.ts', "export { x } from '../../finetune.ts'; export { y } from './pretrain.ts';"],
];

describe('the linter', () => {
  const found = new Map<string, string[]>();
  beforeAll(async () => {
    for (const file of ['biome.json', 'biome.rooms.json']) await cp(file, join(folder, file));
    for (const file of [...planted, ...allowed]) {
      const path = join(folder, 'src', file[0]);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, file.at(-1)!);
    }
    const biome = resolve('node_modules/@biomejs/biome/bin/biome');
    const options = [
      'check',
      '--formatter-enabled=false',
      '--vcs-enabled=false',
      '--reporter=json',
      '--max-diagnostics=none',
      '.',
    ];
    const { stdout } = spawnSync(process.execPath, [biome, ...options], { cwd: folder, encoding: 'utf8' });
    for (const { category, location } of JSON.parse(stdout).diagnostics) {
      const path = location.path.replaceAll('\\', '/').replace(/^src\//, '');
      found.set(path, [...(found.get(path) ?? []), category.split('/').at(-1)]);
    }
  });

  it.each(planted)('finds fault with %s: %s', (path, rule) => {
    expect(found.get(path)).toEqual([rule]);
  });

  it.each(allowed)('finds none with %s', (path) => {
    expect(found.get(path)).toBeUndefined();
  });
});

it('a folder without a row, and a row that points upwards, are named', async () => {
  const copy = join(folder, 'copy');
  await mkdir(join(copy, 'src', 'attic'), { recursive: true });
  const imports = { text: 'graph', graph: 'text' };
  await writeFile(join(copy, 'src/rooms.json'), JSON.stringify({ imports, withoutNode: 'text' }));
  await writeFile(
    join(copy, 'CONTRIBUTING.md'),
    '\n| `text/` | words | graph |\n| `graph/` | x | nothing |\n',
  );
  await writeFile(join(copy, 'biome.rooms.json'), '');
  for (const name of ['text', 'graph']) await mkdir(join(copy, 'src', name));
  const check = spawnSync(process.execPath, [rooms, '--check'], { cwd: copy, encoding: 'utf8' });
  expect(check.stderr.trim().split('\n')).toEqual([
    'src/attic has no row',
    'text imports graph, which is no row above it',
    'biome.rooms.json is out of step with src/rooms.json: npm run rooms',
    'CONTRIBUTING.md is out of step with src/rooms.json: npm run rooms',
  ]);
  expect(check.status).toBe(1);
});
