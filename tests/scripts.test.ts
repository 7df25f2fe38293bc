import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** Scripts are JavaScript that no compiler reads: their imports of the build must exist in the sources. */
const scripts = readdirSync('scripts').filter((name) => name.endsWith('.mjs'));

it.each(scripts)('scripts/%s imports what there is', async (name) => {
  const script = readFileSync(`scripts/${name}`, 'utf8');
  for (const [, names, path] of script.matchAll(/import \{([^}]*)\} from '\.\.\/dist\/(.*)\.js'/g)) {
    const wanted = names!.split(',').map((one) => one.trim().split(' as ')[0]!);
    const there = Object.keys(await import(/* @vite-ignore */ `${process.cwd()}/src/${path}.ts`));
    expect(there).toEqual(expect.arrayContaining(wanted.filter(Boolean)));
  }
});
