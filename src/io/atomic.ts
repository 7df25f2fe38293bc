import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { renamePatiently } from './rename.ts';
import { aboutPath } from './system-error.ts';

/** What can be written: text, the bytes of an array, or pieces that are produced (and may fail) in turn. */
export type Content = string | ArrayBufferView | Iterable<ArrayBufferView> | AsyncIterable<ArrayBufferView>;

/** One call moves at most 1 GiB: operating systems refuse or shorten calls near 2 GiB. */
const MAX_TRANSFER = 2 ** 30;

const TEMPORARY = /^\..+\.[0-9a-f]{12}\.tmp$/;

/**
 * Replaces the file at `path` in one step: at every moment, also after a crash or a power cut, `path` holds
 * either the whole old content or the whole new one. The new content goes to a temporary file in the same
 * folder, is flushed to the disk, and is then renamed. The pieces of `content` must not change until the
 * promise settles.
 *
 * Throws the system's error (ENOSPC, EACCES, ...), which names the folder or the file and not the temporary one, or the one thrown by `content`; the temporary file is then
 * removed and the old file is untouched.
 */
export async function writeFileAtomic(path: string, content: Content): Promise<void> {
  await writeFilesAtomic([[path, content]]);
}

/**
 * Replaces files that belong together: all of them are written and flushed before the first one changes, so an error leaves them all
 * as they were. Where the last file is, it belongs to the others, also after a crash: it is away while they change.
 *
 * Throws like `writeFileAtomic`.
 */
export async function writeFilesAtomic(
  files: readonly (readonly [path: string, content: Content])[],
): Promise<void> {
  const written: { readonly path: string; readonly temporary: string }[] = [];
  try {
    for (const [path, content] of files) {
      const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
      const handle = await open(temporary, 'wx').catch(naming(dirname(path)));
      written.push({ path, temporary });
      try {
        for await (const piece of pieces(content))
          for (const window of byteWindows(piece)) await aboutPath(path, writeFully(handle, window));
        await aboutPath(path, handle.sync());
      } finally {
        await aboutPath(path, handle.close());
      }
    }
    if (written.length > 1) await rm(written.at(-1)!.path, { force: true });
    for (const { path, temporary } of written) await renamePatiently(temporary, path).catch(naming(path));
  } catch (error) {
    // The first error is the one to report.
    for (const { temporary } of written) await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  for (const folder of new Set(files.map(([path]) => dirname(path)))) await syncFolder(folder);
}

/**
 * Removes the temporary files that killed processes left in `folder` and returns their names. Only for a
 * folder in which nobody is writing at the moment.
 */
export async function removeTemporaries(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => TEMPORARY.test(name));
  for (const name of names) await rm(join(folder, name), { force: true });
  return names;
}

/** The bytes of an array as views small enough for one call (a single view could not reach beyond 4 GiB). */
export function* byteWindows({ buffer, byteOffset, byteLength }: ArrayBufferView): Generator<Uint8Array> {
  for (let at = 0; at < byteLength; at += MAX_TRANSFER)
    yield new Uint8Array(buffer, byteOffset + at, Math.min(MAX_TRANSFER, byteLength - at));
}

/** Rejects with the system's error as one about `path`. */
function naming(path: string): (error: unknown) => never {
  return (error) => {
    throw Object.assign(error as Error, { path });
  };
}

function pieces(content: Content): Iterable<ArrayBufferView> | AsyncIterable<ArrayBufferView> {
  if (typeof content === 'string') return [new TextEncoder().encode(content)];
  return ArrayBuffer.isView(content) ? [content] : content;
}

async function writeFully(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length; )
    offset += (await handle.write(bytes, offset, bytes.length - offset)).bytesWritten;
}

/** Makes a rename durable. Windows cannot open folders, and some file systems refuse to flush them. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EINVAL' && code !== 'ENOTSUP' && code !== 'EISDIR') naming(path)(error);
  } finally {
    await handle.close();
  }
}
