import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseConfig } from '../src/config/schema.ts';
import { installedLibrary } from '../src/engines/onednn/library.ts';
import { openEngine } from '../src/run/engine.ts';
import { commandLine } from './support/command-line.ts';
import { hideSystemOneDnn } from './support/hide-onednn.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const folder = temporaryFolder();

const open = (name: 'auto' | 'onednn', more = {}) =>
  openEngine(parseConfig({ engine: { name, threads: 1, ...more } }).engine);

describe('without oneDNN', () => {
  beforeAll(() => {
    hideSystemOneDnn(join(folder, 'hidden'));
    vi.stubEnv('BEYOND_MASKING_CACHE', join(folder, 'cache'));
  });
  afterAll(() => {
    vi.unstubAllEnvs();
  });

  it('auto takes onnx, and says in one line why and what installs it', async () => {
    const engine = await open('auto');
    expect(engine.name).toBe('onnx');
    const { notice } = engine as { notice?: string };
    expect(notice).toMatch(
      /^the onednn engine needs oneDNN .*: `npx beyond-masking setup onednn` installs it without root, .*The onnx engine runs instead\.$/,
    );
    expect(notice).not.toContain('\n');
  });

  it('auto refuses what onnx does not have either', async () => {
    await expect(open('auto', { precision: 'bf16' })).rejects.toThrow('npx beyond-masking setup onednn');
  });

  it('the engine asked for by name is refused with the command that installs it', async () => {
    await expect(open('onednn')).rejects.toThrow('npx beyond-masking setup onednn');
  });

  it('doctor names the command, and what it saves', async () => {
    const { code, out } = await commandLine(folder).run('doctor');
    expect(code).toBe(0);
    expect(out).toMatch(/^--engine auto takes onnx$/m);
    expect(out).toMatch(/^missing: .*npx beyond-masking setup onednn.* \d\.\d/m);
  });

  it.each([
    ['is no library', 'not a library'],
    ['is empty', ''],
  ])('a file in the cache that %s is named, and onnx runs', async (_, content) => {
    const file = installedLibrary(join(folder, 'cache', 'onednn'));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    const engine = await open('auto');
    expect(engine.name).toBe('onnx');
    const { notice } = engine as { notice?: string };
    expect(notice).toContain(`${file} (file too short)`);
    expect(notice).toMatch(/`npx beyond-masking setup onednn` installs it.*The onnx engine runs instead\.$/);
    expect(notice).not.toContain('\n');
  });
});
