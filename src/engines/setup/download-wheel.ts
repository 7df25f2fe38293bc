import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { plural } from '../../text/plural.ts';
import { SetupError } from './error.ts';
import type { Wheel } from './library-sets.ts';

export interface DownloadOptions {
  /** Progress in megabytes, for downloads without pip (pip shows its own progress on the standard error). */
  readonly onProgress?: ((what: string, done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An index's entry of a file. */
interface Link {
  readonly name: string;
  readonly url: string;
  readonly sha256?: string | undefined;
}

const MEGABYTE = 1e6;
/** JSON (PEP 691), else HTML (PEP 503). */
const ACCEPTED =
  'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1';

/**
 * Downloads a wheel from a Python package index into a folder, without a check of its bytes. Rejects with a
 * SetupError if the index cannot be reached or does not have the wheel, and with the signal's reason when aborted.
 */
export async function downloadWheel(
  wheel: Wheel,
  index: string,
  folder: string,
  { onProgress, signal }: DownloadOptions = {},
): Promise<void> {
  const page = `${index.replace(/\/+$/, '')}/${wheel.name}/`;
  const listed = await get(page, page, signal, { accept: ACCEPTED });
  const isJson = /json/.test(listed.headers.get('content-type') ?? '');
  const links = isJson ? ofJson(await listed.json(), listed.url) : ofHtml(await listed.text(), listed.url);
  const link =
    links.find(({ sha256 }) => sha256 === wheel.sha256) ?? links.find(({ name }) => isNamed(name, wheel));
  if (!link)
    throw new SetupError(
      `the package index must have ${wheel.name} ${wheel.version}, got ${plural(links.length, 'other file')} at ${shown(page)}: ` +
        'name another index in PIP_INDEX_URL',
    );
  const response = await get(link.url, page, signal);
  const total = Number(response.headers.get('content-length'));
  let done = 0;
  const counted = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      done += chunk.length;
      onProgress?.(`fetching ${wheel.name}, MB`, rounded(done), rounded(Math.max(total, done)));
      yield chunk;
    }
  };
  const target = createWriteStream(join(folder, link.name));
  const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
  await pipeline(body, counted, target, { ...(signal && { signal }) }).catch((error) => {
    throw signal?.aborted ? signal.reason : unreachable(link.url, error);
  });
}

const rounded = (bytes: number) => Math.round((10 * bytes) / MEGABYTE) / 10;

/**
 * True if the file is this wheel, for this machine or for any. Compares names, because some indexes give no hashes.
 */
function isNamed(file: string, { name, version }: Wheel): boolean {
  const [distribution, itsVersion] = file.toLowerCase().split('-');
  return (
    distribution?.replace(/[._]+/g, '-') === name && itsVersion === version && /(x86_64|any)\.whl$/.test(file)
  );
}

/**
 * Sends the index's credentials to its own host only, as a header. Rejects with a SetupError for a failed request.
 */
async function get(
  address: string,
  index: string,
  signal: AbortSignal | undefined,
  headers: Record<string, string> = {},
): Promise<Response> {
  const url = parsed(address);
  const { username, password, origin } = parsed(index);
  url.username = '';
  url.password = '';
  if (username && url.origin === origin) {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    headers.authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  }
  const response = await fetch(url, { headers, ...(signal && { signal }) }).catch((error) => {
    throw signal?.aborted ? signal.reason : unreachable(address, error);
  });
  if (!response.ok) throw unreachable(address, new Error(`HTTP status ${response.status}`));
  return response;
}

function parsed(address: string): URL {
  if (!/^https?:/.test(address) || !URL.canParse(address))
    throw new SetupError(
      `the package index must have an address that begins with https:, got ${shown(address)}`,
    );
  return new URL(address);
}

function unreachable(address: string, error: Error): SetupError {
  const reason = error.cause instanceof Error ? error.cause.message : error.message;
  return new SetupError(
    `the package index must answer, got ${reason} from ${shown(address)}: check the network, ` +
      'name another index in PIP_INDEX_URL, or install pip, which knows proxies',
    { cause: error },
  );
}

/** The address without credentials. */
const shown = (address: string) => address.replace(/\/\/[^/@]*@/, '//');

function ofJson(page: unknown, base: string): Link[] {
  const { files = [] } = page as {
    files?: { filename: string; url: string; hashes?: Record<string, string> }[];
  };
  return files.map(({ filename, url, hashes }) => ({
    name: filename,
    url: new URL(url, base).href,
    sha256: hashes?.sha256,
  }));
}

function ofHtml(page: string, base: string): Link[] {
  return [...page.matchAll(/<a\s[^>]*?href\s*=\s*["']([^"']+)["']/gi)].map(([, href]) => {
    const url = new URL(href!.replaceAll('&amp;', '&'), base);
    const sha256 = /sha256=([0-9a-f]{64})/.exec(url.hash)?.[1];
    url.hash = '';
    return { name: decodeURIComponent(url.pathname.split('/').at(-1)!), url: url.href, sha256 };
  });
}
