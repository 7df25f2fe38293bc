import type { RawImage } from '../sources/dataset.ts';
import { plainJpegSize } from './jpeg-header.ts';

/**
 * Decodes a plain JPEG to RGB, in memory that the next call uses again; undefined where it must be left to sharp, which
 * also says what is wrong with a file.
 */
type Decode = (bytes: Uint8Array) => RawImage | undefined;

/** Names of libjpeg-turbo's simple interface by system. */
const NAMES = {
  linux: ['libturbojpeg.so.0', 'libturbojpeg.so'],
  darwin: ['libturbojpeg.dylib', '/opt/homebrew/lib/libturbojpeg.dylib', '/usr/local/lib/libturbojpeg.dylib'],
  win32: ['turbojpeg.dll'],
} as Partial<Record<NodeJS.Platform, readonly string[]>>;

const MOST_PIXELS = 2 ** 24; // each thread keeps the memory of its largest image

let loading: Promise<Decode | undefined> | undefined;

/**
 * libjpeg-turbo, where the system has it (Debian and Ubuntu: libturbojpeg0) and koffi is installed; else undefined.
 * sharp is built with the same decoder and gives the same bytes, but spends more time around it than in it.
 */
export function turboJpeg(): Promise<Decode | undefined> {
  loading ??= load().catch(() => undefined);
  return loading;
}

async function load(): Promise<Decode | undefined> {
  const { default: koffi } = await import('koffi');
  for (const name of NAMES[process.platform] ?? []) {
    try {
      const library = koffi.load(name);
      const handle = library.func('void *tjInitDecompress()')();
      const decompress = library.func(
        'int tjDecompress2(void *handle, const void *jpeg, unsigned long bytes, void *out, int width, int pitch, int height, int format, int flags)',
      );
      let memory = new Uint8Array();
      return (bytes) => {
        const size = plainJpegSize(bytes);
        if (!size || size[0] * size[1] > MOST_PIXELS) return undefined;
        const [height, width] = size;
        const length = 3 * width * height;
        if (memory.length < length) memory = new Uint8Array(length);
        const data = memory.subarray(0, length);
        const failed = decompress(handle, bytes, bytes.length, data, width, 0, height, 0, 0); // as RGB
        return failed ? undefined : { width, height, channels: 3, data };
      };
    } catch {} // not under this name
  }
  return undefined;
}
