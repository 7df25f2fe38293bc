import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { install } from './install.ts';
import { type LibrarySet, librarySets, setFolder } from './library-sets.ts';
import { packageIndex } from './package-index.ts';
import { requirements } from './pip.ts';

const linux = { platform: 'linux', architecture: 'x64' } as const;
/** From Python (tests/oracle/make_wheel_fixture.py). */
const file = 'tiny_library-1.2.0-py3-none-any.whl';
const path = fileURLToPath(new URL(`../../../tests/fixtures/wheels/${file}`, import.meta.url));
const sha256 = 'c7373bc72c0b5e829b7b92cc392e61a76cc4fac1db263ae9522fa3d42ed1c632';
const tiny: LibrarySet = {
  description: 'a tiny library',
  folder: 'libraries/tiny',
  ...linux,
  elsewhere: 'build it',
  wheels: [{ name: 'tiny-library', version: '1.2.0', sha256 }],
  omit: ['lib/libtiny.so'],
};
const folder = temporaryFolder();
let turn = 0;
/** A cache with an older installation. */
function usedCache(): string {
  const cache = join(folder, `cache-${turn++}`);
  mkdirSync(join(cache, 'libraries', 'tiny'), { recursive: true });
  writeFileSync(join(cache, 'libraries', 'tiny', 'old.so'), '');
  return cache;
}
/** Leftovers of a failed setup. */
function expectOld(cache: string): void {
  expect(readdirSync(join(cache, 'libraries'))).toEqual(['tiny']);
  expect(readdirSync(join(cache, 'libraries', 'tiny'))).toEqual(['old.so']);
}
function expectNew(cache: string): void {
  const made = join(cache, 'libraries', 'tiny');
  expect(readdirSync(join(cache, 'libraries'))).toEqual(['tiny']);
  expect(readdirSync(made).sort()).toEqual(['lib', 'tiny', 'tiny_library-1.2.0.dist-info']);
  expect(readdirSync(join(made, 'lib'))).toEqual(['libtiny.so.1']);
  expect(readFileSync(join(made, 'lib', 'libtiny.so.1')).equals(Buffer.from([...Array(4096).keys()]))).toBe(
    true,
  );
  expect(readFileSync(join(made, 'tiny', '__init__.py'), 'utf8')).toBe('answer = 42\n'.repeat(100));
  expect(readFileSync(join(made, 'tiny', 'pure.py'), 'utf8')).toBe('pure = True\n');
  expect(statSync(join(made, 'tiny', 'bin', 'tool')).mode & 0o111).toBe(0o111);
  expect(statSync(join(made, 'tiny', 'pure.py')).mode & 0o111).toBe(0);
}

it('every set names its wheels with version and hash', () => {
  for (const set of Object.values(librarySets)) {
    const lines = requirements(set.wheels).trimEnd().split('\n');
    expect(lines.length).toBe(set.wheels.length);
    for (const line of lines) expect(line).toMatch(/^[a-z0-9-]+==[0-9.]+ --hash=sha256:[0-9a-f]{64}$/);
  }
  expect(setFolder(librarySets.cuda13, '/c')).toBe(join('/c', 'pjrt', 'cuda13'));
});

it.each(Object.keys(librarySets) as (keyof typeof librarySets)[])(
  '%s is refused on other platforms',
  async (name) => {
    await expect(
      install(librarySets[name], { cache: folder, platform: 'darwin', architecture: 'arm64' }),
    ).rejects.toThrow(`setup ${name} is for linux on x64, got darwin on arm64`);
  },
);

describe.skipIf(process.platform === 'win32')('with pip', () => {
  /** A fake Python: records its arguments and downloads the wheel. */
  function python(exitCode: number, wheel = path): string {
    const script = join(folder, `python-${turn++}`);
    writeFileSync(
      script,
      `#!/bin/sh\n[ "$3" = --version ] && exit 0\necho "$@" > ${folder}/arguments\n` +
        `while [ "$1" != --dest ]; do shift; done\ncp "$4" ${folder}/requirements.txt\ncp '${wheel}' "$2"\nexit ${exitCode}\n`,
    );
    chmodSync(script, 0o755);
    return script;
  }

  it("installs pip's download, and replaces an older installation", async () => {
    const cache = usedCache();
    const seen: string[] = [];
    const check = async (unpacked: string) => void seen.push(...readdirSync(unpacked).sort());
    expect(await install(tiny, { cache, python: python(0), check, ...linux })).toBe(setFolder(tiny, cache));
    expectNew(cache);
    expect(seen).toEqual(['lib', 'tiny', 'tiny_library-1.2.0.dist-info']);
    expect(readFileSync(join(folder, 'requirements.txt'), 'utf8')).toBe(requirements(tiny.wheels));
    expect(readFileSync(join(folder, 'arguments'), 'utf8')).toMatch(/-m pip download.*--require-hashes/);
  });

  it('installs whole libraries where several do at once', async () => {
    const cache = usedCache();
    const given = { cache, python: python(0), ...linux };
    const made = await Promise.all(Array.from({ length: 8 }, () => install(tiny, given)));
    expect(new Set(made)).toEqual(new Set([setFolder(tiny, cache)]));
    expectNew(cache);
  });

  it("removes the leftovers of yesterday's setup", async () => {
    const cache = usedCache();
    const libraries = join(cache, 'libraries');
    for (const name of ['.tiny-old', '.tiny-new', '.other-old']) mkdirSync(join(libraries, name));
    const yesterday = new Date(Date.now() - 25 * 3600_000);
    for (const name of ['.tiny-old', '.other-old']) utimesSync(join(libraries, name), yesterday, yesterday);
    await install(tiny, { cache, python: python(0), ...linux });
    expect(readdirSync(libraries).sort()).toEqual(['.other-old', '.tiny-new', 'tiny']);
  });

  it('keeps the older installation if pip or the check fails, or the bytes differ', async () => {
    const cache = usedCache();
    const other = join(folder, 'other.whl');
    writeFileSync(other, 'other');
    for (const [options, message] of [
      [{ python: python(3) }, 'got exit code 3'],
      [{ python: join(folder, 'nobody') }, /must be a Python that has pip, got .*nobody/],
      [{ python: python(0, other) }, `tiny-library 1.2.0 must have the SHA-256 ${sha256}, got d9298a10`],
      [{ python: python(0), check: () => Promise.reject(new Error('does not load')) }, 'does not load'],
    ] as const) {
      await expect(install(tiny, { cache, ...options, ...linux })).rejects.toThrow(message);
      expectOld(cache);
    }
  });
});

it.runIf(existsSync('/proc/self'))('refuses a cache in a file system that takes no folders', async () => {
  const cache = '/proc/none';
  await expect(install(tiny, { ...linux, cache })).rejects.toMatchObject({ code: 'ENOENT' });
});

describe('without pip', () => {
  const wheel = readFileSync(path);
  let stop: (() => void) | undefined;
  afterEach(() => {
    vi.unstubAllEnvs();
    stop?.();
  });

  /** A package index, and no Python. */
  async function index(answer: RequestListener, user = ''): Promise<void> {
    const server = createServer(answer).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    stop = () => server.close();
    vi.stubEnv('PATH', folder);
    vi.stubEnv('PIP_INDEX_URL', `http://${user}127.0.0.1:${(server.address() as AddressInfo).port}/simple/`);
  }

  const json =
    (files: object[]): RequestListener =>
    (request, response) => {
      if (request.url === '/simple/tiny-library/') {
        response.setHeader('content-type', 'application/vnd.pypi.simple.v1+json');
        response.end(JSON.stringify({ files }));
      } else if (request.url === `/files/${file}`) response.end(wheel);
      else response.writeHead(404).end();
    };
  const html =
    (links: string): RequestListener =>
    (request, response) => {
      if (request.url === '/simple/tiny-library/')
        response.writeHead(302, { location: '/mirror/tiny-library/' }).end();
      else if (request.url === '/mirror/tiny-library/') {
        response.setHeader('content-type', 'text/html; charset=utf-8');
        response.end(`<!DOCTYPE html><html><body>${links}</body></html>`);
      } else if (request.url === `/mirror/files/${file}?a=1&b=2`) response.end(wheel);
      else response.writeHead(404).end();
    };
  const older = 'tiny_library-1.1.9-py3-none-any.whl';

  it.each<[string, RequestListener]>([
    [
      'JSON',
      json([
        { filename: older, url: `/files/${older}`, hashes: { sha256: '0'.repeat(64) } },
        { filename: file, url: `/files/${file}`, hashes: { sha256 } },
      ]),
    ],
    [
      'JSON without hashes',
      json([
        { filename: older, url: older },
        { filename: file, url: `../../files/${file}` },
      ]),
    ],
    [
      'HTML with hashes, redirected',
      html(
        `<a href="/files/${older}#sha256=${'0'.repeat(64)}">${older}</a><br/>\n` +
          `<a data-requires-python="&gt;=3" href="../files/${file}?a=1&amp;b=2#sha256=${sha256}">${file}</a>`,
      ),
    ],
    ['HTML without hashes', html(`<A class=x HREF='../files/${file}?a=1&amp;b=2'>${file}</A>`)],
  ])('fetches from an index that answers %s', async (_, answer) => {
    await index(answer);
    const cache = usedCache();
    const progress: [number, number][] = [];
    await install(tiny, { cache, onProgress: (_, done, total) => progress.push([done, total]), ...linux });
    expectNew(cache);
    expect(progress.length).toBeGreaterThan(0);
    for (const [done, total] of progress) expect(done).toBeLessThanOrEqual(total);
  });

  it('shows credentials to the index alone, and never in a message', async () => {
    const asked: (string | undefined)[] = [];
    const files = createServer((request, response) => {
      asked.push(request.headers.authorization);
      response.end(wheel);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => files.once('listening', resolve));
    const elsewhere = `http://127.0.0.1:${(files.address() as AddressInfo).port}/${file}`;
    await index((request, response) => {
      asked.push(request.headers.authorization);
      json([{ filename: file, url: elsewhere, hashes: { sha256 } }])(request, response);
    }, 'me:se%40cret@');
    const cache = usedCache();
    await install(tiny, { cache, ...linux });
    expect(asked).toEqual([`Basic ${btoa('me:se@cret')}`, undefined]);
    files.close();
    const missing = { ...tiny, wheels: [{ name: 'no-such-library', version: '1', sha256 }] };
    const error = await install(missing, { cache, ...linux }).catch((reason: Error) => reason);
    expect((error as Error).message).toMatch(
      /got HTTP status 404 from http:\/\/127\.0\.0\.1:.*PIP_INDEX_URL/,
    );
    expect((error as Error).message).not.toContain('cret');
  });

  it('keeps the older installation if the index has another file, or none, or cannot be reached', async () => {
    const cache = usedCache();
    for (const [answer, message] of [
      [json([{ filename: older, url: older }]), 'must have tiny-library 1.2.0, got 1 other file'],
      [json([{ filename: file, url: `/files/${older}`, hashes: { sha256 } }]), 'got HTTP status 404'],
      [html(`<a href="/simple/tiny-library/${file}#sha256=${sha256}">x</a>`), 'got HTTP status 404'],
      [((_, response) => void response.destroy()) as RequestListener, 'the package index must answer'],
    ] as const) {
      await index(answer);
      await expect(install(tiny, { cache, ...linux })).rejects.toThrow(message);
      expectOld(cache);
      stop?.();
    }
    await index((request, response) => {
      if (request.url?.endsWith('.whl')) response.end(wheel.subarray(100));
      else json([{ filename: file, url: `/files/${file}`, hashes: { sha256 } }])(request, response);
    });
    await expect(install(tiny, { cache, ...linux })).rejects.toThrow('must have the SHA-256');
    expectOld(cache);
    vi.stubEnv('PIP_INDEX_URL', 'here');
    await expect(install(tiny, { cache, ...linux })).rejects.toThrow(
      'an address that begins with https:, got here',
    );
    expectOld(cache);
  });

  it('stops when it is asked to', async () => {
    const abort = new AbortController();
    await index((request, response) => {
      if (request.url?.endsWith('.whl')) {
        response.write(wheel.subarray(0, 100));
        setTimeout(() => abort.abort(new Error('enough')), 50);
      } else json([{ filename: file, url: `/files/${file}`, hashes: { sha256 } }])(request, response);
    });
    const cache = usedCache();
    await expect(install(tiny, { cache, signal: abort.signal, ...linux })).rejects.toThrow('enough');
    expectOld(cache);
  });
});

describe('the package index', () => {
  const home = () => {
    const path = join(folder, `home-${turn++}`);
    for (const part of ['.pip', '.config/pip', 'env', 'machine/pip'])
      mkdirSync(join(path, part), { recursive: true });
    return path;
  };
  const settings = (index: string) =>
    `# a comment\n[list]\nindex-url = https://list\n[global]\ntimeout = 3\n${index}\n`;

  it('is the public one where nothing else is said', async () => {
    const at = home();
    expect(await packageIndex({ XDG_CONFIG_DIRS: join(at, 'none'), PIP_CONFIG_FILE: '/dev/null' }, at)).toBe(
      'https://pypi.org/simple',
    );
    expect(existsSync(join(at, 'none'))).toBe(false);
  });

  it('is that of the settings; later ones win, and the environment over all', async () => {
    const at = home();
    const env: NodeJS.ProcessEnv = { XDG_CONFIG_DIRS: join(at, 'machine') };
    writeFileSync(join(at, 'machine', 'pip', 'pip.conf'), settings('index-url = https://machine/simple'));
    for (const [name, line] of [
      ['.pip/pip.conf', 'index_url=https://legacy/simple'],
      ['.config/pip/pip.conf', 'Index-Url: https://user/simple'],
    ] as const) {
      writeFileSync(join(at, name), settings(line));
      expect(await packageIndex(env, at)).toBe(`https://${/\/\/(.*?)\//.exec(line)![1]}/simple`);
    }
    writeFileSync(join(at, 'env', 'pip.conf'), `[download]\nindex-url = https://venv\n${settings('')}`);
    expect(await packageIndex({ ...env, VIRTUAL_ENV: join(at, 'env') }, at)).toBe('https://venv');
    writeFileSync(join(at, 'named'), settings('index-url=https://named'));
    expect(await packageIndex({ ...env, PIP_CONFIG_FILE: join(at, 'named') }, at)).toBe('https://named');
    expect(await packageIndex({ ...env, PIP_CONFIG_FILE: '/dev/null' }, at)).toBe('https://pypi.org/simple');
    expect(await packageIndex({ ...env, PIP_INDEX_URL: 'https://first' }, at)).toBe('https://first');
  });
});
