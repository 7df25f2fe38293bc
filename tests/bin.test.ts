import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from './support/temporary-folder.ts';

const repository = fileURLToPath(new URL('..', import.meta.url));
const bin = join('bin', 'beyond-masking.mjs');
const unbuilt =
  'error: beyond-masking must be built before it runs, got no dist/cli/main.js: npm run build\n';

/** Runs `npx beyond-masking …` in a folder, with a cache of npm's own that is empty at first and no network. */
function npx(cwd: string, ...args: string[]) {
  const env = { ...process.env, npm_config_cache: join(cwd, '.npm'), npm_config_offline: 'true' };
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const options = { cwd, env, shell: process.platform === 'win32' };
    execFile('npx', ['--yes', 'beyond-masking', ...args], options, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    );
  });
}

describe('npx beyond-masking in a checkout', () => {
  const folder = temporaryFolder();
  let checkout: string;
  let turn = 0;
  /** Writes what a build writes: new files, which are not executable. */
  const build = async (says: string) => {
    await rm(join(checkout, 'dist'), { recursive: true, force: true });
    await mkdir(join(checkout, 'dist', 'cli'), { recursive: true });
    const main = join(checkout, 'dist', 'cli', 'main.js');
    await writeFile(main, `console.log(${JSON.stringify(says)}, ...process.argv.slice(2));\n`);
    await chmod(main, 0o644);
  };

  beforeEach(async () => {
    checkout = join(folder, `checkout-${turn++}`);
    for (const name of ['package.json', bin]) await cp(join(repository, name), join(checkout, name));
  });

  it('runs what was built, also after it was built again', async () => {
    for (const says of ['first', 'second']) {
      await build(says);
      expect(await npx(checkout, 'list', '--json')).toMatchObject({ code: 0, out: `${says} list --json\n` });
    }
  });

  it('says what to do before the first build and after the build is removed, and runs once it is there', async () => {
    expect(await npx(checkout)).toMatchObject({ code: 1, out: '', err: unbuilt });
    await build('built');
    expect(await npx(checkout)).toMatchObject({ code: 0, out: 'built\n' });
    await rm(join(checkout, 'dist'), { recursive: true });
    expect(await npx(checkout)).toMatchObject({ code: 1, out: '', err: unbuilt });
  });

  it.skipIf(process.platform === 'win32')('is a file that anybody may execute', async () => {
    expect((await stat(join(repository, bin))).mode & 0o111).toBe(0o111);
  });
});
