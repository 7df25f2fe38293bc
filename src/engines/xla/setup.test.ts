import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { pluginSets } from './plugin-sets.ts';
import { planSetup, setupPlugin } from './setup.ts';

const linux = { platform: 'linux', architecture: 'x64' } as const;

describe('setting up a plugin', () => {
  const folder = temporaryFolder();

  /** Stands for Python: notes what it was called with, and writes a file where pip would install. */
  function python(exitCode: number): string {
    const path = join(folder, `python-${exitCode}`);
    writeFileSync(
      path,
      `#!/bin/sh\necho "$@" > ${folder}/arguments\nwhile [ "$1" != --target ]; do shift; done\n` +
        `cp "$4" ${folder}/requirements.txt\necho plugin > "$2/plugin.so"\nexit ${exitCode}\n`,
    );
    chmodSync(path, 0o755);
    return path;
  }

  it('names every package with its version and hash', () => {
    for (const name of ['cuda13', 'cpu'] as const) {
      const { requirements, arguments: args, folder: target } = planSetup(name, { cache: '/c', ...linux });
      const lines = requirements.trimEnd().split('\n');
      expect(lines.length).toBe(pluginSets[name].wheels.length);
      for (const line of lines) expect(line).toMatch(/^[a-z0-9-]+==[0-9.]+ --hash=sha256:[0-9a-f]{64}$/);
      expect(args).toContain('--require-hashes');
      expect(target).toBe(join('/c', name));
    }
    expect(planSetup('cuda13', { cache: '/c', ...linux }).requirements).toContain('jax-cuda13-pjrt==');
  });

  it('refuses a platform that it has no packages for', () => {
    expect(() => planSetup('cuda13', { cache: '/c', platform: 'darwin', architecture: 'arm64' })).toThrow(
      'setup cuda13 is for linux on x64, got darwin on arm64',
    );
  });

  it('installs what pip fetched, and replaces what was there', async () => {
    const cache = join(folder, 'cache');
    mkdirSync(join(cache, 'cpu'), { recursive: true });
    writeFileSync(join(cache, 'cpu', 'old.so'), '');
    const made = await setupPlugin('cpu', { cache, python: python(0), ...linux });
    expect(readFileSync(join(made, 'plugin.so'), 'utf8')).toBe('plugin\n');
    expect(existsSync(join(made, 'old.so'))).toBe(false);
    expect(readdirSync(cache)).toEqual(['cpu']);
    expect(readFileSync(join(folder, 'requirements.txt'), 'utf8')).toBe(
      planSetup('cpu', { cache, ...linux }).requirements,
    );
    expect(readFileSync(join(folder, 'arguments'), 'utf8')).toContain('-m pip install');
  });

  it('installs a whole plugin where several do at once', async () => {
    const cache = join(folder, 'at-once');
    const given = { cache, python: python(0), ...linux };
    const made = await Promise.all(Array.from({ length: 8 }, () => setupPlugin('cpu', given)));
    expect(new Set(made)).toEqual(new Set([join(cache, 'cpu')]));
    expect(readFileSync(join(cache, 'cpu', 'plugin.so'), 'utf8')).toBe('plugin\n');
    expect(readdirSync(cache)).toEqual(['cpu']);
  });

  it('removes what a setup of yesterday has left', async () => {
    const cache = join(folder, 'left');
    for (const name of ['.cpu-old', '.cpu-new', '.cuda13-old'])
      mkdirSync(join(cache, name), { recursive: true });
    const yesterday = new Date(Date.now() - 25 * 3600_000);
    for (const name of ['.cpu-old', '.cuda13-old']) utimesSync(join(cache, name), yesterday, yesterday);
    await setupPlugin('cpu', { cache, python: python(0), ...linux });
    expect(readdirSync(cache).sort()).toEqual(['.cpu-new', '.cuda13-old', 'cpu']);
  });

  it('leaves what was there when pip fails or is missing', async () => {
    const cache = join(folder, 'kept');
    mkdirSync(join(cache, 'cpu'), { recursive: true });
    writeFileSync(join(cache, 'cpu', 'old.so'), '');
    await expect(setupPlugin('cpu', { cache, python: python(3), ...linux })).rejects.toThrow(
      'got exit code 3',
    );
    await expect(setupPlugin('cpu', { cache, python: join(folder, 'nobody'), ...linux })).rejects.toThrow(
      /fetched with Python's pip, got no .*nobody/,
    );
    expect(readdirSync(cache)).toEqual(['cpu']);
    expect(readdirSync(join(cache, 'cpu'))).toEqual(['old.so']);
  });
});
