/**
 * Runs kernels in Triton's IR on the CPU, one program of the grid after the other: the operations that this project's
 * kernels use, written from Triton's description of them (https://triton-lang.org/main/dialects/dialects.html).
 */

interface Tile {
  readonly shape: readonly number[];
  readonly data: number[];
}

/** An array in the memory of the device. */
export interface DeviceArray {
  readonly type: 'f32' | 'bf16';
  readonly data: Float64Array;
}

/** Rounds to bfloat16, ties to even. */
export function toBf16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  if ((bits[0]! & 0x7f800000) === 0x7f800000) return value;
  bits[0] = (bits[0]! + 0x7fff + ((bits[0]! >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(bits.buffer)[0]!;
}

/** Runs all programs of a kernel. Arguments are the arrays of its pointers, in order. */
export function runKernel(text: string, grid: readonly [number, number], args: readonly DeviceArray[]): void {
  const lines = text.split('\n').map((line) => line.trim());
  const start = lines.findIndex((line) => line.startsWith('tt.func'));
  const names = [...lines[start]!.matchAll(/(%\w+): !tt\.ptr/g)].map(([, name]) => name!);
  const end = lines.indexOf('tt.return');
  for (let x = 0; x < grid[0]; x++)
    for (let y = 0; y < grid[1]; y++)
      new Run(new Map(names.map((name, i) => [name, args[i]!])), { x, y }).block(lines.slice(start + 1, end));
}

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
/** Shape and element type of `tensor<2x4xf32>` or `f32`. */
function typeOf(text: string): { shape: number[]; type: string } {
  const [, sides, type] = /tensor<((?:\d+x)*)(.+)>$/.exec(text.trim()) ?? ['', '', text.trim()];
  return { shape: (sides!.match(/\d+/g) ?? []).map(Number), type: type! };
}
const rounding: Readonly<Record<string, (x: number) => number>> = { f32: Math.fround, bf16: toBf16 };

class Run {
  readonly #arrays: ReadonlyMap<string, DeviceArray>;
  readonly #place: Readonly<Record<string, number>>;
  readonly #values = new Map<string, Tile>();
  /** Pointers: the array and the offsets. */
  readonly #addresses = new Map<string, { array: DeviceArray; at: number[] }>();

  constructor(arrays: ReadonlyMap<string, DeviceArray>, place: Readonly<Record<string, number>>) {
    this.#arrays = arrays;
    this.#place = place;
  }

  /** Runs lines. Returns what they yield. */
  block(lines: readonly string[]): Tile[] {
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i]!;
      if (line.startsWith('scf.yield')) return this.#named(line.slice(9).split(' : ')[0]!);
      if (line.includes('scf.for')) {
        const close = matching(lines, i);
        this.#loop(line, lines.slice(i + 1, close));
        i = close;
      } else if (line.includes('"tt.reduce"')) {
        const max = lines[i + 2]!.includes('maxnumf');
        this.#reduce(line, max, typeOf(lines[i + 4]!.split('->')[1]!).shape);
        i += 4;
      } else this.#operation(line);
    }
    return [];
  }

  #named = (list: string) => [...list.matchAll(/%[\w#]+/g)].map(([name]) => this.#value(name));

  #value(name: string): Tile {
    const found = this.#values.get(name);
    if (!found) throw new Error(`no value ${name}`);
    return found;
  }

  #loop(line: string, body: readonly string[]): void {
    const [, id, count, i, from, to, by, bindings] =
      /^(%\w+):(\d+) = scf\.for (%\w+) = (%\w+) to (%\w+) step (%\w+) iter_args\((.*)\) ->/.exec(line)!;
    const pairs = [...bindings!.matchAll(/(%\w+) = (%[\w#]+)/g)];
    let state = pairs.map(([, , start]) => this.#value(start!));
    const [first, last, step] = [from, to, by].map((name) => this.#value(name!).data[0]!);
    for (let at = first!; at < last!; at += step!) {
      this.#values.set(i!, { shape: [], data: [at] });
      pairs.forEach(([, name], k) => void this.#values.set(name!, state[k]!));
      state = this.block(body);
    }
    if (state.length !== Number(count)) throw new Error(line);
    state.forEach((tile, k) => void this.#values.set(`${id}#${k}`, tile));
  }

  #reduce(line: string, max: boolean, shape: readonly number[]): void {
    const [, name, of, axisText] = /^(%\w+) = "tt\.reduce"\((%[\w#]+)\) <\{axis = (\d)/.exec(line)!;
    const x = this.#value(of!);
    const axis = Number(axisText);
    const data = new Array<number>(sizeOf(shape)).fill(max ? Number.NEGATIVE_INFINITY : 0);
    const inner = sizeOf(x.shape.slice(axis + 1));
    x.data.forEach((value, i) => {
      const at = Math.floor(i / (inner * x.shape[axis]!)) * inner + (i % inner);
      data[at] = max ? Math.max(data[at]!, value) : data[at]! + value;
    });
    this.#values.set(name!, { shape, data: data.map(Math.fround) });
  }

  /** Runs one operation and keeps its result. */
  #operation(line: string): undefined {
    const [, name, operation, rest] = /^(?:(%\w+) = )?([\w.]+)(?: (cmp\w* \w+|slt|olt))?(.*)$/
      .exec(line)!
      .filter((_, i) => i !== 3) as [string, string | undefined, string, string];
    const [operands, types = ''] = split(rest);
    const set = (shape: readonly number[], data: number[]): undefined => {
      this.#values.set(name!, { shape, data });
    };
    const address = (array: DeviceArray, at: number[]): undefined => {
      this.#addresses.set(name!, { array, at });
    };
    const { shape, type } = typeOf(
      types
        .split(/->| to /)
        .at(-1)!
        .split(', ')[0]!,
    );
    const round = rounding[type] ?? ((x: number) => x);
    const pointwise = (f: (...values: number[]) => number): undefined => {
      const inputs = this.#named(operands);
      return set(
        inputs[0]!.shape,
        inputs[0]!.data.map((_, i) => round(f(...inputs.map(({ data }) => data[i]!)))),
      );
    };
    switch (operation) {
      case 'tt.get_program_id':
        return set([], [this.#place[operands.trim()]!]);
      case 'tt.make_range':
        return set(
          shape,
          Array.from({ length: shape[0]! }, (_, i) => i),
        );
      case 'arith.constant': {
        const literal = operands.replace(/^\s*dense<|>$/g, '').trim();
        return set(
          shape,
          new Array<number>(sizeOf(shape)).fill(
            literal.startsWith('0x') ? fromBits(literal, type) : Number(literal),
          ),
        );
      }
      case 'tt.expand_dims':
        return set(shape, this.#named(operands)[0]!.data);
      case 'tt.splat':
        if (this.#arrays.has(operands.trim())) return address(this.#arrays.get(operands.trim())!, []);
        return set(shape, new Array<number>(sizeOf(shape)).fill(this.#named(operands)[0]!.data[0]!));
      case 'tt.broadcast': {
        const [x] = this.#named(operands);
        const data = Array.from({ length: sizeOf(shape) }, (_, i) => {
          const [row, column] = [Math.floor(i / shape[1]!), i % shape[1]!];
          return x!.data[(x!.shape[0] === 1 ? 0 : row) * x!.shape[1]! + (x!.shape[1] === 1 ? 0 : column)]!;
        });
        return set(shape, data);
      }
      case 'tt.addptr': {
        const [pointer, offsets] = operands.split(',').map((each) => each.trim());
        const array = this.#arrays.get(pointer!) ?? this.#addresses.get(pointer!)!.array;
        return address(array, this.#value(offsets!).data);
      }
      case 'tt.load':
      case 'tt.store': {
        const [pointer, ...others] = operands.split(',').map((each) => each.trim());
        const { array, at } = this.#addresses.get(pointer!)!;
        const tiles = others.map((each) => this.#value(each));
        const mask = operation === 'tt.load' ? tiles[0] : tiles[1];
        const inside = (i: number) => !mask || mask.data[i] === 1;
        at.forEach((offset, i) => {
          if (inside(i) && !(offset >= 0 && offset < array.data.length))
            throw new Error(`${line}: outside of the array`);
        });
        if (operation === 'tt.load')
          return set(
            shape,
            at.map((offset, i) => (inside(i) ? array.data[offset]! : tiles[1]!.data[i]!)),
          );
        at.forEach((offset, i) => {
          if (inside(i)) array.data[offset] = tiles[0]!.data[i]!;
        });
        return;
      }
      case 'tt.trans': {
        const [x] = this.#named(operands);
        return set(
          shape,
          Array.from(
            { length: x!.data.length },
            (_, i) => x!.data[(i % shape[1]!) * shape[0]! + Math.floor(i / shape[1]!)]!,
          ),
        );
      }
      case 'tt.dot': {
        const [a, b] = this.#named(operands);
        const [rows, columns, depth] = [shape[0]!, shape[1]!, a!.shape[1]!];
        const data = new Array<number>(rows * columns).fill(0);
        for (let r = 0; r < rows; r++)
          for (let d = 0; d < depth; d++)
            for (let c = 0; c < columns; c++)
              data[r * columns + c]! += a!.data[r * depth + d]! * b!.data[d * columns + c]!;
        return set(shape, data.map(Math.fround));
      }
      case 'arith.addi':
      case 'arith.addf':
        return pointwise((a, b) => a + b!);
      case 'arith.subi':
      case 'arith.subf':
        return pointwise((a, b) => a - b!);
      case 'arith.muli':
      case 'arith.mulf':
        return pointwise((a, b) => a * b!);
      case 'arith.divf':
        return pointwise((a, b) => a / b!);
      case 'arith.andi':
        return pointwise((a, b) => (a && b ? 1 : 0));
      case 'arith.cmpi':
      case 'arith.cmpf':
        return pointwise((a, b) => (a < b! ? 1 : 0));
      case 'arith.select':
        return pointwise((c, a, b) => (c ? a! : b!));
      case 'arith.extf':
      case 'arith.truncf':
        return pointwise((x) => x);
      case 'math.fma':
        return pointwise((a, b, c) => a * b! + c!);
      case 'math.exp2':
        return pointwise((x) => 2 ** x);
      case 'math.rsqrt':
        return pointwise((x) => 1 / Math.sqrt(x));
      case 'math.absf':
        return pointwise(Math.abs);
      default:
        throw new Error(`an operation that the interpreter does not know: ${line}`);
    }
  }
}

/** Operands and types of an operation; the types follow the last ` : ` outside of attributes. */
function split(rest: string): [operands: string, types?: string] {
  const at = rest.lastIndexOf(' : ');
  return at < 0 ? [rest] : [rest.slice(0, at).replace(/\{.*\}|, inputPrecision.*/g, ''), rest.slice(at + 3)];
}

function fromBits(literal: string, type: string): number {
  const bits = Number.parseInt(literal, 16);
  return new Float32Array(Uint32Array.of(type === 'bf16' ? bits * 65536 : bits).buffer)[0]!;
}

/** Index of the line that closes the block that a line opens. */
function matching(lines: readonly string[], open: number): number {
  let depth = 0;
  for (let i = open; i < lines.length; i++) {
    depth +=
      (lines[i]!.match(/\{$/g) ?? []).length - (lines[i] === '}' || lines[i]!.startsWith('})') ? 1 : 0);
    if (i >= open && depth === 0) return i;
  }
  throw new Error('a block must be closed');
}
