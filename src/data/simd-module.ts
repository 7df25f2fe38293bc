/**
 * The inner loops of cropping in WebAssembly SIMD, written out instruction by instruction (WebAssembly 2.0, binary
 * format, section 5). All arguments are byte addresses in the module's memory, byte distances or counts (≥ 1).
 */

const [I32, V128] = [0x7f, 0x7b];
const [LOOP, END, EMPTY] = [0x03, 0x0b, 0x40];

const unsigned = (n: number): number[] =>
  n < 128 ? [n] : [(n % 128) + 128, ...unsigned(Math.floor(n / 128))];
const signed = (n: number): number[] =>
  n >= -64 && n < 64 ? [n & 127] : [(n & 127) | 128, ...signed(n >> 7)];

type Code = readonly number[];
const constant = (n: number): Code => [0x41, ...signed(n)];
const plus = (x: Code, y: Code): Code => [...x, ...y, 0x6a];
const times = (x: Code, y: Code): Code => [...x, ...y, 0x6c];
const word = (address: Code): Code => [...address, 0x28, 2, 0]; // i32.load
const simd = (code: number, ...operands: readonly Code[]): Code => [
  ...operands.flat(),
  0xfd,
  ...unsigned(code),
];
const load = (address: Code, offset = 0): Code => [...simd(0x00, address), 0, ...unsigned(offset)];
const loadSplat = (address: Code, offset = 0): Code => [...simd(0x09, address), 2, ...unsigned(offset)];
const store = (address: Code, x: Code): Code => [...simd(0x0b, address, x), 0, 0];
const storeWord = (address: Code, x: Code): Code => [...simd(0x5a, address, x), 0, 0, 0]; // lane 0
const swizzle = (x: Code, lanes: Code) => simd(0x0e, x, lanes);
const splat = (x: Code) => simd(0x11, x);
const or = (x: Code, y: Code) => simd(0x50, x, y);
const choose = (x: Code, y: Code, condition: Code): Code => [...x, ...y, ...condition, 0x1b]; // y where it is 0
const add = (x: Code, y: Code) => simd(0xae, x, y);
const mul = (x: Code, y: Code) => simd(0xb5, x, y);
const dot = (x: Code, y: Code) => simd(0xba, x, y); // of pairs of int16, to int32
const shiftLeft = (x: Code, n: number) => simd(0xab, x, constant(n));
const shiftRight = (x: Code, n: number) => simd(0xac, x, constant(n));
const narrowInts = (x: Code, y: Code) => simd(0x85, x, y);
const toBytes = (x: Code, y: Code) => simd(0x66, x, y); // cut off at 0 and 255
const bytesBelow = (x: Code) => simd(0x89, x);
const bytesAbove = (x: Code) => simd(0x8a, x);
const intsBelow = (x: Code) => simd(0xa9, x);
const intsAbove = (x: Code) => simd(0xaa, x);
const vectorOf = (bytes: readonly number[]): Code => [...simd(0x0c), ...bytes];
const ZERO = vectorOf(new Array<number>(16).fill(0));
const NONE = 0x80; // a lane of zero

interface Local {
  readonly get: Code;
  set(x: Code): Code;
}

/** A function without result: `body` is given its parameters, its integers and its vectors by name. */
function procedure<P extends string, I extends string, V extends string>(
  parameters: readonly P[],
  integers: readonly I[],
  vectors: readonly V[],
  body: (local: Record<P | I | V, Local>) => Code,
): { parameters: number; code: Code } {
  const names = [...parameters, ...integers, ...vectors];
  const local = Object.fromEntries(
    names.map((name, i) => [
      name,
      { get: [0x20, ...unsigned(i)], set: (x: Code) => [...x, 0x21, ...unsigned(i)] },
    ]),
  ) as unknown as Record<P | I | V, Local>;
  const declared = [2, ...unsigned(integers.length), I32, ...unsigned(vectors.length), V128];
  return { parameters: parameters.length, code: [...declared, ...body(local), END] };
}

/** Repeats `body` while what stands in `condition` is not zero. */
const repeat = (body: Code, condition: Code): Code => [LOOP, EMPTY, ...body, ...condition, 0x0d, 0, END];
const step = (local: Local, by: Code): Code => local.set(plus(local.get, by));
const countDown = (local: Local): Code => [...step(local, constant(-1)), ...local.get];

/**
 * Along the rows of RGB pixels: two rows at once, four taps of all three channels at a time. A weight of 22 bits is two
 * numbers of 11: [high 0, high 1, low 0, low 1, high 2, high 3, low 2, low 3] for every four taps. `line` is the distance
 * of the rows that are written; a byte behind each is written, too.
 */
const across = procedure(
  ['from', 'stride', 'pairs', 'starts', 'weights', 'quads', 'count', 'to', 'line'],
  ['start', 'weight', 'x', 'quad', 'source', 'below', 'target'],
  ['high', 'low', 'pixels0', 'pixels1', 'pair', 'high0', 'low0', 'high1', 'low1', 'lanes0', 'lanes2'],
  (v) => {
    const lanes = (first: number) => {
      const channels = [0, 1, 2].flatMap((c) => [3 * first + c, NONE, 3 * (first + 1) + c, NONE]);
      return vectorOf([...channels, NONE, NONE, NONE, NONE]);
    };
    const rows = [0, 1] as const;
    const two = (first: 0 | 2): Code => [
      ...v.high.set(loadSplat(v.weight.get, 4 * first)),
      ...v.low.set(loadSplat(v.weight.get, 4 * first + 4)),
      ...rows.flatMap((row) => [
        ...v.pair.set(swizzle(v[`pixels${row}`].get, v[`lanes${first}`].get)),
        ...v[`high${row}`].set(add(v[`high${row}`].get, dot(v.pair.get, v.high.get))),
        ...v[`low${row}`].set(add(v[`low${row}`].get, dot(v.pair.get, v.low.get))),
      ]),
    ];
    const taps = [
      ...v.pixels0.set(load(v.source.get)),
      ...v.pixels1.set(load(v.below.get)),
      ...two(0),
      ...two(2),
      ...step(v.source, constant(12)),
      ...step(v.below, constant(12)),
      ...step(v.weight, constant(16)),
    ];
    const rounded = splat(constant(1 << 21));
    const put = (row: 0 | 1, to: Code): Code => {
      const sum = add(shiftLeft(v[`high${row}`].get, 11), v[`low${row}`].get);
      return [
        ...v.pair.set(shiftRight(sum, 22)),
        ...v.pair.set(narrowInts(v.pair.get, v.pair.get)),
        ...storeWord(to, toBytes(v.pair.get, v.pair.get)), // the fourth byte is the next pixel's
      ];
    };
    const pixel = [
      ...v.source.set(plus(v.from.get, word(v.start.get))),
      ...v.below.set(plus(v.source.get, v.stride.get)),
      ...rows.flatMap((row) => [...v[`high${row}`].set(ZERO), ...v[`low${row}`].set(rounded)]),
      ...v.quad.set(v.quads.get),
      ...repeat(taps, countDown(v.quad)),
      ...put(1, plus(v.to.get, v.line.get)),
      ...put(0, v.to.get),
      ...step(v.to, constant(3)),
      ...step(v.start, constant(4)),
    ];
    const pair = [
      ...v.target.set(v.to.get),
      ...v.start.set(v.starts.get),
      ...v.weight.set(v.weights.get),
      ...v.x.set(v.count.get),
      ...repeat(pixel, countDown(v.x)),
      ...step(v.from, times(v.stride.get, constant(2))),
      ...v.to.set(plus(v.target.get, times(v.line.get, constant(2)))),
    ];
    return [...v.lanes0.set(lanes(0)), ...v.lanes2.set(lanes(2)), ...repeat(pair, countDown(v.pairs))];
  },
);

/** Down the columns, sixteen bytes at a time; the last of a row may reach into the next one, which comes later. */
const down = procedure(
  ['from', 'stride', 'blocks', 'starts', 'weights', 'taps', 'rows', 'to', 'line'],
  ['block', 'weight', 'tap', 'source', 'target'],
  ['bytes', 'ints', 'factor', 'a', 'b', 'c', 'd'],
  (v) => {
    const sums = [v.a, v.b, v.c, v.d];
    const more = (sum: Local, x: Code) => sum.set(add(sum.get, mul(x, v.factor.get)));
    const taps = [
      ...v.bytes.set(load(v.source.get)),
      ...v.factor.set(loadSplat(v.weight.get)),
      ...v.ints.set(bytesBelow(v.bytes.get)),
      ...more(v.a, intsBelow(v.ints.get)),
      ...more(v.b, intsAbove(v.ints.get)),
      ...v.ints.set(bytesAbove(v.bytes.get)),
      ...more(v.c, intsBelow(v.ints.get)),
      ...more(v.d, intsAbove(v.ints.get)),
      ...step(v.source, v.stride.get),
      ...step(v.weight, constant(4)),
    ];
    const [a, b, c, d] = sums.map((sum) => shiftRight(sum.get, 22)) as [Code, Code, Code, Code];
    const block = [
      ...v.source.set(plus(plus(v.from.get, word(v.starts.get)), times(v.block.get, constant(16)))),
      ...v.weight.set(v.weights.get),
      ...sums.flatMap((sum) => sum.set(splat(constant(1 << 21)))),
      ...v.tap.set(v.taps.get),
      ...repeat(taps, countDown(v.tap)),
      ...v.target.set(plus(v.to.get, times(v.block.get, constant(16)))),
      ...store(v.target.get, toBytes(narrowInts(a, b), narrowInts(c, d))),
      ...step(v.block, constant(1)),
    ];
    const row = [
      ...v.block.set(constant(0)),
      ...repeat(block, [...v.block.get, ...v.blocks.get, 0x49]), // while block < blocks
      ...v.weights.set(v.weight.get),
      ...step(v.starts, constant(4)),
      ...step(v.to, v.line.get),
    ];
    return repeat(row, countDown(v.rows));
  },
);

/**
 * Splits rows of at least 16 RGB pixels into planes, `plane` bytes apart, and mirrors them if `flip` is not 0. The last
 * sixteen pixels of a row may repeat some of those before.
 */
const planes = procedure(
  ['from', 'width', 'height', 'flip', 'to', 'plane'],
  ['x', 'source', 'target'],
  ['a', 'b', 'c', ...([0, 1, 2] as const).flatMap((c) => [`a${c}`, `b${c}`, `c${c}`] as const)],
  (v) => {
    const parts = ['a', 'b', 'c'] as const;
    const channels = [0, 1, 2] as const;
    /** Where the bytes of a channel lie in one of the three vectors. */
    const lanes = (channel: number, part: number, flip: boolean) =>
      vectorOf(
        Array.from({ length: 16 }, (_, i) => {
          const at = 3 * (flip ? 15 - i : i) + channel - 16 * part;
          return at >= 0 && at < 16 ? at : NONE;
        }),
      );
    const masks = channels.flatMap((channel) =>
      parts.flatMap((part, i) =>
        v[`${part}${channel}`].set(choose(lanes(channel, i, true), lanes(channel, i, false), v.flip.get)),
      ),
    );
    const last = plus(v.width.get, constant(-16));
    const limited = (x: Code): Code => [...x, ...last, ...x, ...last, 0x48, 0x1b]; // the smaller of both
    const mirrored = [...last, ...v.x.get, 0x6b];
    const block = [
      ...v.x.set(limited(v.x.get)),
      ...v.source.set(plus(v.from.get, times(v.x.get, constant(3)))),
      ...parts.flatMap((part, i) => v[part].set(load(v.source.get, 16 * i))),
      ...v.target.set(plus(v.to.get, [...mirrored, ...v.x.get, ...v.flip.get, 0x1b])),
      ...channels.flatMap((channel) => {
        const [a, b, c] = parts.map((part) => swizzle(v[part].get, v[`${part}${channel}`].get));
        return [
          ...store(v.target.get, or(or(a as Code, b as Code), c as Code)),
          ...step(v.target, v.plane.get),
        ];
      }),
      ...step(v.x, constant(16)),
    ];
    const row = [
      ...v.x.set(constant(0)),
      ...repeat(block, [...v.x.get, ...v.width.get, 0x48]), // while x < width
      ...step(v.from, times(v.width.get, constant(3))),
      ...step(v.to, v.width.get),
    ];
    return [...masks, ...repeat(row, countDown(v.height))];
  },
);

const procedures = { across, down, planes };
const section = (id: number, content: Code): Code => [id, ...unsigned(content.length), ...content];
const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
const text = (name: string): Code => [name.length, ...new TextEncoder().encode(name)];
const sized = (code: Code): Code => [...unsigned(code.length), ...code];
const all = Object.entries(procedures);

/** The module's bytes; it exports its procedures and their memory (one page, to be grown). */
export const bytes = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(
    1,
    vector(all.map(([, p]) => [0x60, p.parameters, ...new Array<number>(p.parameters).fill(I32), 0])),
  ),
  ...section(3, vector(all.map((_, i) => [i]))),
  ...section(5, [1, 0, 1]),
  ...section(7, vector([...all.map(([name], i) => [...text(name), 0, i]), [...text('memory'), 2, 0]])),
  ...section(10, vector(all.map(([, p]) => sized(p.code)))),
]);
