/** Builds pickles byte by byte, also malformed ones. */
const bytes = (...codes: number[]) => Buffer.from(codes);

export const op = {
  proto: bytes(0x80, 2),
  stop: bytes(0x2e),
  mark: bytes(0x28),
  none: bytes(0x4e),
  emptyList: bytes(0x5d),
  emptyTuple: bytes(0x29),
  emptyDict: bytes(0x7d),
  tuple: bytes(0x74),
  tuple1: bytes(0x85),
  tuple2: bytes(0x86),
  append: bytes(0x61),
  setItem: bytes(0x73),
  setItems: bytes(0x75),
  reduce: bytes(0x52),
  newObject: bytes(0x81),
  build: bytes(0x62),
  persistent: bytes(0x51),
  stackGlobal: bytes(0x93),
  duplicate: bytes(0x32),
  pop: bytes(0x30),
  put: (index: number) => bytes(0x71, index),
  get: (index: number) => bytes(0x68, index),
  int: (value: number) => {
    const four = Buffer.alloc(5, 0x4a);
    four.writeInt32LE(value, 1);
    return four;
  },
  long: (value: bigint) => {
    const eight = Buffer.alloc(10, 8);
    eight[0] = 0x8a;
    eight.writeBigInt64LE(value, 2);
    return eight;
  },
  text: (value: string) => {
    const head = Buffer.alloc(5, 0x58);
    head.writeUInt32LE(Buffer.byteLength(value), 1);
    return Buffer.concat([head, Buffer.from(value)]);
  },
  global: (module: string, name: string) => Buffer.from(`c${module}\n${name}\n`),
};

/** An integer of any size. */
export const whole = (value: number): Buffer =>
  Math.abs(value) < 2 ** 31 ? op.int(value) : op.long(BigInt(value));

export const tuple = (...items: Buffer[]): Buffer => Buffer.concat([op.mark, ...items, op.tuple]);

/** A float32 storage in entry `key`. */
export const storage = (key: string, elements: number): Buffer =>
  Buffer.concat([
    tuple(
      op.text('storage'),
      op.global('torch', 'FloatStorage'),
      op.text(key),
      op.text('cpu'),
      whole(elements),
    ),
    op.persistent,
  ]);

/** A tensor of a storage. */
export const tensor = (
  on: Buffer,
  { offset = 0, shape, strides }: { offset?: number; shape: readonly number[]; strides: readonly number[] },
): Buffer =>
  Buffer.concat([
    op.global('torch._utils', '_rebuild_tensor_v2'),
    tuple(
      on,
      whole(offset),
      tuple(...shape.map(whole)),
      tuple(...strides.map(whole)),
      bytes(0x89),
      Buffer.concat([op.global('collections', 'OrderedDict'), op.emptyTuple, op.reduce]),
    ),
    op.reduce,
  ]);

export const dict = (...items: Buffer[]): Buffer =>
  Buffer.concat([op.emptyDict, op.mark, ...items, op.setItems]);

export const pickle = (...pieces: Buffer[]): Buffer => Buffer.concat([op.proto, ...pieces, op.stop]);
