import { open } from 'node:fs/promises';
import { elementCount, toFloat32 } from './dtypes.ts';
import { FileFormatError } from './file-format-error.ts';
import { readAt } from './read-at.ts';
import { inRowMajorOrder } from './strided.ts';

/** Numbers of a .npy file; 64-bit integers are bigints, 16-bit floats become 32-bit ones, booleans 0 and 1. */
export type NpyData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/** An array of a .npy file, in C order: prod(shape) elements. */
export interface ReadNpy {
  readonly shape: readonly number[];
  readonly data: NpyData;
}

/** NumPy's type codes without the byte order. */
const TYPES = {
  f2: Uint16Array, // the raw bits
  f4: Float32Array,
  f8: Float64Array,
  i1: Int8Array,
  i2: Int16Array,
  i4: Int32Array,
  i8: BigInt64Array,
  u1: Uint8Array,
  u2: Uint16Array,
  u4: Uint32Array,
  u8: BigUint64Array,
  b1: Uint8Array,
} as const;

const MAGIC = '\x93NUMPY';
/** The header that NumPy reads at most by default. */
const MAX_HEADER = 10_000;
/** NumPy's limit. */
const MAX_RANK = 64;
const CONVERT = "convert it with numpy.save(FILE, array.astype('float32'))";

/**
 * Reads a .npy file (NumPy's format, versions 1 to 3): floats of 2, 4 and 8 bytes, integers of 1 to 8 bytes and booleans, of either
 * byte order, in C or Fortran order. Nothing in the file is executed. Throws FileFormatError for other types (objects, strings,
 * complex numbers, records) and broken files, or the system's error.
 */
export async function readNpy(path: string): Promise<ReadNpy> {
  const handle = await open(path, 'r');
  try {
    const fail = (rule: string, got: unknown) => new FileFormatError(path, rule, got);
    const stat = await handle.stat();
    if (!stat.isFile()) throw fail('a .npy file must be a regular file', 'a folder or device');
    const bytes = async (from: number, length: number) => {
      if (from + length > stat.size)
        throw fail(`the file must hold ${from + length} bytes or more; write it again`, stat.size);
      const target = new Uint8Array(length);
      await readAt(handle, target, from, path);
      return target;
    };
    const start = await bytes(0, 10);
    const magic = latin1(start.subarray(0, 6));
    if (magic !== MAGIC) throw fail('a .npy file must begin with \\x93NUMPY', magic);
    const version = start[6]!;
    if (version < 1 || version > 3) throw fail('the version of the .npy format must be 1, 2 or 3', version);
    const begin = version === 1 ? 10 : 12;
    const view = new DataView((await bytes(0, begin)).buffer);
    const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
    if (length > MAX_HEADER) throw fail(`the header must have ${MAX_HEADER} bytes or fewer`, length);
    const header = parseHeader(latin1(await bytes(begin, length)), fail);
    const size = elementCount(header.shape) * header.array.BYTES_PER_ELEMENT;
    const [dataBegin, dataBytes] = [begin + length, stat.size - begin - length];
    if (size !== dataBytes)
      throw fail(
        `the data of shape [${header.shape}] must have ${size} bytes; write the file again`,
        dataBytes,
      );
    const raw = await bytes(dataBegin, size);
    if (header.swapped) swapBytes(raw, header.array.BYTES_PER_ELEMENT);
    const data = new header.array(raw.buffer);
    const ordered = header.fortran ? inRowMajorOrder(data, header.shape, fortranStrides(header.shape)) : data;
    return {
      shape: header.shape,
      data: header.half
        ? toFloat32({ dtype: 'F16', shape: header.shape, data: ordered as Uint16Array<ArrayBuffer> })
        : ordered,
    };
  } finally {
    await handle.close();
  }
}

interface NpyHeader {
  readonly shape: readonly number[];
  readonly fortran: boolean;
  readonly array: (typeof TYPES)[keyof typeof TYPES];
  readonly half: boolean;
  /** True if the byte order of elements differs from this machine's. */
  readonly swapped: boolean;
}

/** Reads the header, a Python dict of three literals. */
function parseHeader(text: string, fail: (rule: string, got: unknown) => FileFormatError): NpyHeader {
  const inner = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  const entries = new Map<string, string>();
  let rest = inner ?? '';
  for (let match = ENTRY.exec(rest); match; match = ENTRY.exec(rest)) {
    entries.set(match[1]!, match[2]!);
    rest = rest.slice(match[0].length);
  }
  const [descr, order, shape] = ['descr', 'fortran_order', 'shape'].map((key) => entries.get(key));
  if (inner === undefined || rest.trim() !== '' || entries.size !== 3 || !descr || !order || !shape)
    throw fail("a .npy header must be {'descr': …, 'fortran_order': …, 'shape': …}", text.trim());
  const [, byteOrder, type] = /^'([<>|=])([a-z]\d)'$/.exec(descr) ?? [];
  if (!type || !Object.hasOwn(TYPES, type))
    throw fail(`the numbers must be ${Object.keys(TYPES).join(', ')}; ${CONVERT}`, descr);
  if (order !== 'True' && order !== 'False') throw fail('fortran_order must be True or False', order);
  if (!/^\((\d+L?,|\d+L?(,\d+L?)+,?)?\)$/.test(shape.replaceAll(/\s/g, '')))
    throw fail('the shape must be a tuple of whole numbers', shape);
  const sizes = (shape.match(/\d+/g) ?? []).map(Number);
  if (sizes.length > MAX_RANK) throw fail(`an array must have ${MAX_RANK} axes or fewer`, sizes.length);
  if (!sizes.every(Number.isSafeInteger) || !Number.isSafeInteger(8 * elementCount(sizes)))
    throw fail('the shape must give a size that fits in memory', shape);
  const array = TYPES[type as keyof typeof TYPES];
  const other = isLittleEndian ? '>' : '<';
  return {
    ...{ shape: sizes, fortran: order === 'True', array, half: type === 'f2' },
    swapped: byteOrder === other && array.BYTES_PER_ELEMENT > 1,
  };
}

/** One entry of the dict, with the comma behind it. */
const ENTRY = /^\s*'(descr|fortran_order|shape)'\s*:\s*('[^']*'|True|False|\([^()]*\)|\[.*\])\s*(?:,|$)/s;

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

const latin1 = (bytes: Uint8Array) => String.fromCharCode(...bytes);

function swapBytes(bytes: Uint8Array, size: number): void {
  for (let start = 0; start < bytes.length; start += size) bytes.subarray(start, start + size).reverse();
}

/** Strides in Fortran order: the first axis runs fastest. */
const fortranStrides = (shape: readonly number[]) =>
  shape.map((_, axis) => elementCount(shape.slice(0, axis)));
