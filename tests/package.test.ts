import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));

/** Paths of the files that `npm pack` would put into the package. */
function packed(): Set<string> {
  const text = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  const [{ files }] = JSON.parse(text) as [{ files: { path: string }[] }];
  return new Set(files.map(({ path }) => path));
}

it('every page in the package links to files that are in the package', () => {
  const files = packed();
  const dead = [...files]
    .filter((path) => path.endsWith('.md'))
    .flatMap((page) => {
      const links = readFileSync(join(root, page), 'utf8').matchAll(/\]\(([^)#\s]+)[^)]*\)/g);
      return [...links]
        .map(([, link]) => link!)
        .filter((link) => !/^[a-z]+:/.test(link))
        .map((link) => normalize(join(dirname(page), link)).replaceAll('\\', '/'))
        .filter((target) => !files.has(target) && ![...files].some((file) => file.startsWith(`${target}/`)))
        .map((target) => `${page}: ${target}`);
    });
  expect(dead).toEqual([]);
});

it('the package holds what runs and what is read, and no tests', () => {
  const files = packed();
  for (const path of [
    'dist/index.js',
    'dist/index.d.ts',
    'dist/cli/main.js',
    'docs/data.md',
    'CONTRIBUTING.md',
  ])
    expect(files, path).toContain(path);
  expect([...files].filter((path) => path.includes('.test.'))).toEqual([]);
});

const { exports: entries } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, { types: string; default: string }>;
};
const groups = Object.keys(entries).filter((name) => name !== './package.json');

it.each(groups)('the entry %s loads, and declares what it exports', async (name) => {
  const { types, default: module } = entries[name]!;
  const exported = Object.keys(await import(pathToFileURL(join(root, module)).href));
  expect(exported.length).toBeGreaterThan(0);
  expect(readFileSync(join(root, types), 'utf8')).toMatch(/^export /m);
});

it('the root exports what a first program uses, and no more', () => {
  const lists = readFileSync(join(root, 'src/index.ts'), 'utf8').matchAll(/^export [^{]*\{([^}]*)\}/gm);
  const names = [...lists].flatMap(([, list]) => list!.split(',').filter((name) => name.trim() !== ''));
  expect(names.length).toBeLessThanOrEqual(42);
});
