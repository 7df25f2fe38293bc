import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

it('docs/recipes.md is what the tables of recipes say', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/recipes.mjs', '--check'], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});
