/** Kind of a file without weights, and the remedy. */
export interface FileKind {
  readonly what: string;
  readonly remedy: string;
}

interface Signature extends FileKind {
  /** Bytes in Latin 1, at `at` (default: the start). */
  readonly bytes: string | RegExp | ((text: string) => boolean);
  readonly at?: number;
}

const DOWNLOAD_AGAIN = 'download the file itself again';
const UNPACK = 'unpack it and give the file of weights in it';
const convert = (read: string) =>
  `save the weights from ${read} as safetensors: safetensors.torch.save_file(model.state_dict(), FILE)`;
const NO_PICTURE = 'give a file of weights; name images separately';

/** Formats of other programs, recognised by their first bytes. Text formats come last. */
const signatures: readonly Signature[] = [
  {
    bytes: /^version https:\/\/git-lfs/,
    what: 'a pointer of Git LFS',
    remedy: 'the weights themselves were not fetched: run git lfs pull, or download the file from its page',
  },
  {
    bytes: '\x89HDF\r\n\x1a\n',
    what: 'an HDF5 file (Keras, TensorFlow)',
    remedy: convert('the PyTorch version'),
  },
  {
    bytes: isOnnx,
    what: 'an ONNX model',
    remedy: convert('its original'),
  },
  { bytes: '\x89PNG', what: 'a picture (PNG)', remedy: NO_PICTURE },
  { bytes: '\xff\xd8\xff', what: 'a picture (JPEG)', remedy: NO_PICTURE },
  { bytes: /^GIF8[79]a/, what: 'a picture (GIF)', remedy: NO_PICTURE },
  { bytes: /^RIFF[\s\S]{4}WEBP/, what: 'a picture (WebP)', remedy: NO_PICTURE },
  { bytes: /^BM[\s\S]{4}\0\0\0\0/, what: 'a picture (BMP)', remedy: NO_PICTURE },
  { bytes: /^(II\*\0|MM\0\*)/, what: 'a picture (TIFF)', remedy: NO_PICTURE },
  { bytes: /^(avif|avis|heic|heix|mif1)/, at: 8, what: 'a picture (AVIF or HEIC)', remedy: NO_PICTURE },
  { bytes: '\x1f\x8b', what: 'a gzip archive', remedy: UNPACK },
  { bytes: 'BZh', what: 'a bzip2 archive', remedy: UNPACK },
  { bytes: '\xfd7zXZ\0', what: 'an xz archive', remedy: UNPACK },
  { bytes: '\x28\xb5\x2f\xfd', what: 'a Zstandard archive', remedy: UNPACK },
  { bytes: '7z\xbc\xaf\x27\x1c', what: 'a 7-Zip archive', remedy: UNPACK },
  { bytes: 'Rar!', what: 'a RAR archive', remedy: UNPACK },
  { bytes: 'PK\x05\x06', what: 'an empty ZIP archive', remedy: DOWNLOAD_AGAIN },
  { bytes: 'ustar', at: 257, what: 'a tar archive', remedy: UNPACK },
  {
    bytes: /^[\x81-\x8f\xde][\xa0-\xbf\xd9]/,
    what: 'a MessagePack file (Flax)',
    remedy: convert('the PyTorch version'),
  },
  {
    bytes: '\x93NUMPY',
    what: 'a NumPy array',
    remedy: 'give a file of named tensors: safetensors or PyTorch',
  },
  { bytes: 'GGUF', what: 'a GGUF file (llama.cpp)', remedy: convert('the PyTorch version') },
  { bytes: 'TFL3', at: 4, what: 'a TensorFlow Lite model', remedy: convert('the PyTorch version') },
  { bytes: '%PDF', what: 'a PDF document', remedy: 'give a file of weights' },
  { bytes: '\x7fELF', what: 'a program', remedy: 'give a file of weights' },
  {
    bytes: /^[\ufeff\xef\xbb\xbf\s]*<(!doctype|html|head|body|\?xml|!--|error|svg)/i,
    what: 'a page of HTML or XML',
    remedy: `a server answered with a page instead of the weights: ${DOWNLOAD_AGAIN}, by the link that says "download" or "raw"`,
  },
  {
    bytes: /^[\xef\xbb\xbf\s]*[{[][\s"{[\d\]}-]/,
    what: 'JSON',
    remedy: 'give the file of weights next to it, or their folder',
  },
  { bytes: /^[\t\n\r\x20-\x7e]{16}/, what: 'text', remedy: `give a file of weights, or ${DOWNLOAD_AGAIN}` },
  { bytes: /^\0{16}/, what: 'zeros, an unfinished download', remedy: DOWNLOAD_AGAIN },
];

/**
 * A Protocol Buffers message with a version in field 1, then the producer, its version, the graph or the operators'
 * versions.
 */
function isOnnx(text: string): boolean {
  const [key, version, next] = [0, 1, 2].map((at) => text.charCodeAt(at)) as [number, number, number];
  return key === 0x08 && version > 0 && version <= 0x20 && [0x12, 0x1a, 0x3a, 0x42].includes(next);
}

/** Number of bytes that `fileKind` needs. */
export const KIND_BYTES = 512;

/** Kind of a file that is neither safetensors nor PyTorch, by its first bytes; undefined if unknown. */
export function fileKind(start: Uint8Array): FileKind | undefined {
  const text = Buffer.from(start.buffer, start.byteOffset, start.length).toString('latin1');
  // A safetensors header begins at byte 8, after its length.
  if (/^[\s\S]{5}\0\0\0\{/.test(text)) return undefined;
  return signatures.find(({ bytes, at = 0 }) => {
    const part = text.slice(at);
    if (typeof bytes === 'function') return bytes(part);
    return typeof bytes === 'string' ? part.startsWith(bytes) : bytes.test(part);
  });
}
