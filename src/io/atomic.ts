import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { renamePatiently } from './rename.ts';
import { aboutPath } from './system-error.ts';

/** Content of a file: text, the bytes of an array, or chunks that are produced one after the other (and may fail). */
export type Content = string | ArrayBufferView | Iterable<ArrayBufferView> | AsyncIterable<ArrayBufferView>;

/** Largest transfer per call: 1 GiB, because operating systems refuse or shorten calls near 2 GiB. */
const MAX_TRANSFER = 2 ** 30;

const TEMPORARY = /^\..+\.[0-9a-f]{12}\.tmp$/;

/**
 * Replaces the file at `path` in one step: at any time, also after a crash or a power cut, it holds either the whole
 * old content or the whole new content. The new content goes to a temporary file in the same folder, is flushed to
 * the disk, and is then renamed. The chunks of `content` must not change until the promise settles.
 *
 * Throws the system's error (ENOSPC, EACCES, ...), which names the folder or the file rather than the temporary file,
 * or the error of `content`. The temporary file is then removed and the old file is unchanged.
 */
export async function writeFileAtomic(path: string, content: Content): Promise<void> {
  await writeFilesAtomic([[path, content]]);
}

/**
 * Replaces files that belong together. All are written and flushed before the first one changes, so an error leaves
 * all of them unchanged. The last file is absent while the others change. If it exists, also after a crash, it thus
 * matches the others.
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
    // Keeps the first error.
    for (const { temporary } of written) await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  for (const folder of new Set(files.map(([path]) => dirname(path)))) await syncFolder(folder);
}

/**
 * Removes temporary files of killed processes in `folder` and returns their names. Nobody may write in the folder at
 * the same time.
 */
export async function removeTemporaries(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => TEMPORARY.test(name));
  for (const name of names) await rm(join(folder, name), { force: true });
  return names;
}

/** The bytes of an array as views for one call each (a single view cannot exceed 4 GiB). */
export function* byteWindows({ buffer, byteOffset, byteLength }: ArrayBufferView): Generator<Uint8Array> {
  for (let at = 0; at < byteLength; at += MAX_TRANSFER)
    yield new Uint8Array(buffer, byteOffset + at, Math.min(MAX_TRANSFER, byteLength - at));
}

/** Rejects with the system's error about `path`. */
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

/**
 * Makes a rename durable. Does nothing on Windows, which cannot open folders, and on file systems that refuse to
 * flush them.
 */
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
