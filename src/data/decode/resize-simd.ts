/**
 * The inner loops of cropping in WebAssembly SIMD, written out instruction by instruction (WebAssembly 2.0, binary
 * format, section 5). All arguments are byte addresses in the module's memory, byte distances or counts (≥ 1).
 */

const [I32, V128] = [0x7f, 0x7b];
const [LOOP, IF, END, EMPTY] = [0x03, 0x04, 0x0b, 0x40];
const LANES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] as const; // of bytes
const QUARTERS = [0, 1, 2, 3] as const;

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
const and = (x: Code, y: Code) => simd(0x4e, x, y);
const splatWord = (x: Code) => simd(0x10, x);
const add = (x: Code, y: Code) => simd(0xae, x, y);
const dot = (x: Code, y: Code) => simd(0xba, x, y); // of pairs of int16, to int32
const shiftRight = (x: Code, n: number) => simd(0xac, x, constant(n));
const shiftWordsRight = (x: Code, n: number) => simd(0x8d, x, constant(n)); // of uint16
const shiftWords = (x: Code, n: number) => simd(0x8c, x, constant(n));
const addWords = (x: Code, y: Code) => simd(0x8f, x, y); // cut off at the ends of int16
const narrowInts = (x: Code, y: Code) => simd(0x85, x, y);
const toBytes = (x: Code, y: Code) => simd(0x66, x, y); // cut off at 0 and 255
const vectorOf = (bytes: readonly number[]): Code => [...simd(0x0c), ...bytes];
const shuffle = (x: Code, y: Code, lanes: readonly number[]): Code => [...simd(0x0d, x, y), ...lanes];
/** Bytes of x and y by turns, eight from lane `x0` and eight from lane `y0` on. */
const bytesOfBoth = (x: Code, y: Code, x0: number, y0 = x0) =>
  shuffle(
    x,
    y,
    LANES.map((i) => (i % 2 ? 16 + y0 : x0) + (i >> 1)),
  );
/** Pairs of bytes of x and y by turns, four from pair `first` on. */
const wordsOfBoth = (x: Code, y: Code, first: number) =>
  shuffle(
    x,
    y,
    LANES.map((i) => (i & 2 ? 16 : 0) + 2 * (first + (i >> 2)) + (i & 1)),
  );

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
const when = (condition: Code, then: Code): Code => [...condition, IF, EMPTY, ...then, END];
const step = (local: Local, by: Code): Code => local.set(plus(local.get, by));
const countDown = (local: Local): Code => [...step(local, constant(-1)), ...local.get];

/**
 * Transposes `count` blocks of 16 × 16 bytes: from rows `stride` apart to rows `line` apart, from
 * one block to the next by `fromStep` and `toStep`.
 */
const transposeBlocks = procedure(
  ['from', 'stride', 'fromStep', 'to', 'line', 'toStep', 'count'],
  ['source', 'target'],
  [...LANES.map((i) => `row${i}` as const), 'first'],
  (v) => {
    const rows = LANES.map((i) => v[`row${i}`]);
    const loads = rows.flatMap((row) => [...row.set(load(v.source.get)), ...step(v.source, v.stride.get)]);
    // Bytes of rows i and i + 8 by turns: this turns the eight bits (row, column) of a byte's place by one; four times.
    let order = rows;
    let spare = v.first;
    const shuffles: number[] = [];
    for (let round = 0; round < 4; round++) {
      const next: Local[] = [];
      for (let i = 0; i < 8; i++) {
        const [x, y] = [order[i]!, order[i + 8]!];
        shuffles.push(...spare.set(bytesOfBoth(x.get, y.get, 0)), ...y.set(bytesOfBoth(x.get, y.get, 8)));
        next.push(spare, y);
        spare = x;
      }
      order = next;
    }
    const stores = order.flatMap((row) => [...store(v.target.get, row.get), ...step(v.target, v.line.get)]);
    const block = [
      ...v.source.set(v.from.get),
      ...v.target.set(v.to.get),
      ...loads,
      ...shuffles,
      ...stores,
      ...step(v.from, v.fromStep.get),
      ...step(v.to, v.toStep.get),
    ];
    return repeat(block, countDown(v.count));
  },
);

/**
 * `count` weighted sums of lines, sixteen bytes at a time; the last of a line may reach beyond it. Every sum has two words in
 * `table`, its first line and its number of pairs of lines (≥ 1), and for each pair four int16 in `weights`:
 * [high 0, high 1, low 0, low 1], a weight of 22 bits being 2^15 high + low. Pairs are a loop although they are few: of
 * code without one V8 moves all loads to the front, and keeps most of them in memory.
 */
const weightedSum = procedure(
  ['from', 'stride', 'blocks', 'table', 'weights', 'count', 'to', 'line'],
  ['pairs', 'base', 'target', 'block', 'source', 'weight', 'left'],
  [
    ...(['even', 'high', 'low', 'a', 'b', 'both', 'part'] as const),
    ...QUARTERS.flatMap((i) => [`high${i}`, `low${i}`] as const),
  ],
  (v) => {
    const pair = (put: (sum: Local, x: Code) => Code): Code => {
      const quarter = (i: (typeof QUARTERS)[number], bytes: Code): Code => [
        ...v.part.set(bytes),
        ...put(v[`high${i}`], dot(v.part.get, v.high.get)),
        ...put(v[`low${i}`], dot(v.part.get, v.low.get)),
      ];
      return [
        ...v.a.set(load(v.source.get)),
        ...step(v.source, v.stride.get),
        ...v.b.set(load(v.source.get)),
        ...step(v.source, v.stride.get),
        ...v.high.set(loadSplat(v.weight.get)),
        ...v.low.set(loadSplat(v.weight.get, 4)),
        ...step(v.weight, constant(8)),
        ...v.both.set(wordsOfBoth(v.a.get, v.b.get, 0)),
        ...quarter(0, and(v.both.get, v.even.get)),
        ...quarter(1, shiftWordsRight(v.both.get, 8)),
        ...v.both.set(wordsOfBoth(v.a.get, v.b.get, 4)),
        ...quarter(2, and(v.both.get, v.even.get)),
        ...quarter(3, shiftWordsRight(v.both.get, 8)),
      ];
    };
    // Of (2^15 high + low + 2^21) >> 22; cut off at int16, what is above 255 stays so.
    const sum = (i: (typeof QUARTERS)[number]) => add(v[`high${i}`].get, shiftRight(v[`low${i}`].get, 15));
    const rounded = (x: Code) => shiftWords(addWords(x, splatWord(constant(64))), 7);
    const block = [
      ...v.source.set(v.base.get),
      ...v.weight.set(v.weights.get),
      ...pair((sum, x) => sum.set(x)),
      ...v.left.set(plus(v.pairs.get, constant(-1))),
      ...when(
        v.left.get,
        repeat(
          pair((sum, x) => sum.set(add(sum.get, x))),
          countDown(v.left),
        ),
      ),
      ...v.part.set(toBytes(rounded(narrowInts(sum(0), sum(2))), rounded(narrowInts(sum(1), sum(3))))),
      ...store(v.target.get, bytesOfBoth(v.part.get, v.part.get, 0, 8)),
      ...step(v.base, constant(16)),
      ...step(v.target, constant(16)),
    ];
    const line = [
      ...v.base.set(plus(v.from.get, times(word(v.table.get), v.stride.get))),
      ...v.pairs.set(word(plus(v.table.get, constant(4)))),
      ...v.target.set(v.to.get),
      ...v.block.set(v.blocks.get),
      ...repeat(block, countDown(v.block)),
      ...v.weights.set(v.weight.get),
      ...step(v.table, constant(8)),
      ...step(v.to, v.line.get),
    ];
    return [
      ...v.even.set(vectorOf(LANES.map((i) => (i % 2 ? 0 : 255)))),
      ...repeat(line, countDown(v.count)),
    ];
  },
);

const procedures = { transposeBlocks, weightedSum };
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
