import type { Shape } from '../../../graph/tensor.ts';

/** Element types inside a kernel. */
export type TileType = 'f32' | 'bf16' | 'i32' | 'i1';

/** A value of a kernel: a scalar (shape []) or a tile, whose sides are powers of two. */
export interface Tile {
  readonly name: string;
  readonly shape: Shape;
  readonly type: TileType;
}

/** An argument of a kernel: the address of an array on the device. */
export interface Pointer {
  readonly name: string;
  readonly to: 'f32' | 'bf16';
}

type Operand = Tile | number;

/**
 * Writes a kernel in Triton's IR (https://triton-lang.org, dialect `tt`), operation by operation. A kernel runs as a
 * grid of programs, each on tiles that its threads share. Operands of elementwise operations broadcast as NumPy's do.
 */
export class KernelWriter {
  readonly #name: string;
  readonly #pointers: readonly Pointer[];
  readonly #constants = new Map<string, Tile>();
  readonly #head: string[] = [];
  readonly #lines: string[] = [];
  #next = 0;

  constructor(name: string, pointers: readonly Pointer[]) {
    this.#name = name;
    this.#pointers = pointers;
  }

  /** The program's place in the grid. */
  program(axis: 'x' | 'y'): Tile {
    return this.#write(`tt.get_program_id ${axis}`, 'i32', { shape: [], type: 'i32' });
  }

  /** 0, 1, …, length − 1. */
  range(length: number): Tile {
    const type = { shape: [length], type: 'i32' } as const;
    return this.#write(`tt.make_range {end = ${length} : i32, start = 0 : i32}`, text(type), type);
  }

  /** A number in every place of a tile. */
  full(value: number, shape: Shape, type: TileType): Tile {
    const number = type === 'i32' ? `${value}` : hex(value, type);
    const full = text({ shape, type });
    const literal = shape.length === 0 ? `${number} : ${full}` : `dense<${number}> : ${full}`;
    let constant = this.#constants.get(literal);
    if (!constant) {
      constant = { name: `%c${this.#constants.size}`, shape, type };
      this.#head.push(`${constant.name} = arith.constant ${literal}`);
      this.#constants.set(literal, constant);
    }
    return constant;
  }

  /** [n] as a column [n, 1] or a row [1, n]. */
  as(form: 'column' | 'row', x: Tile): Tile {
    const axis = form === 'column' ? 1 : 0;
    const to = { shape: axis === 1 ? [x.shape[0]!, 1] : [1, x.shape[0]!], type: x.type };
    return this.#write(`tt.expand_dims ${x.name} {axis = ${axis} : i32}`, `${text(x)} -> ${text(to)}`, to);
  }

  add = (a: Operand, b: Operand) => this.#binary('add', a, b);
  sub = (a: Operand, b: Operand) => this.#binary('sub', a, b);
  mul = (a: Operand, b: Operand) => this.#binary('mul', a, b);
  div = (a: Operand, b: Operand) => this.#binary('div', a, b);

  /** a · b + c with one rounding. */
  multiplyAdd(a: Operand, b: Operand, c: Operand): Tile {
    const [x, y, z] = this.#alike([a, b, c]) as [Tile, Tile, Tile];
    return this.#write(`math.fma ${x.name}, ${y.name}, ${z.name}`, text(x), x);
  }

  less(a: Operand, b: Operand): Tile {
    const [x, y] = this.#alike([a, b]) as [Tile, Tile];
    const test = x.type === 'i32' ? 'cmpi slt' : 'cmpf olt';
    return this.#write(`arith.${test}, ${x.name}, ${y.name}`, text(x), { shape: x.shape, type: 'i1' });
  }

  and(a: Tile, b: Tile): Tile {
    const [x, y] = this.#alike([a, b]) as [Tile, Tile];
    return this.#write(`arith.andi ${x.name}, ${y.name}`, text(x), x);
  }

  /** `yes` where the condition holds, else `no`. */
  select(condition: Tile, yes: Operand, no: Operand): Tile {
    const shape = common([condition, yes, no]);
    const type = typeOf(yes) ?? typeOf(no) ?? 'f32';
    const where = this.#broadcast(condition, shape);
    const [x, y] = [yes, no].map((each) => this.#tile(each, shape, type)) as [Tile, Tile];
    return this.#write(
      `arith.select ${where.name}, ${x.name}, ${y.name}`,
      shape.length === 0 ? text(x) : `${text(where)}, ${text(x)}`,
      x,
    );
  }

  /** 2ˣ. */
  exp2 = (x: Tile) => this.#write(`math.exp2 ${x.name}`, text(x), x);
  /** 1 / √x. */
  rsqrt = (x: Tile) => this.#write(`math.rsqrt ${x.name}`, text(x), x);
  abs = (x: Tile) => this.#write(`math.absf ${x.name}`, text(x), x);

  convert(x: Tile, type: 'f32' | 'bf16'): Tile {
    if (x.type === type) return x;
    const to = { shape: x.shape, type };
    return this.#write(
      `arith.${type === 'f32' ? 'extf' : 'truncf'} ${x.name}`,
      `${text(x)} to ${text(to)}`,
      to,
    );
  }

  /** Sum or maximum along an axis, which is dropped. */
  reduce(x: Tile, axis: number, by: 'add' | 'max'): Tile {
    const [a, b, result] = ['a', 'b', 'r'].map((letter) => `%${letter}${this.#next}`);
    const to = { shape: x.shape.filter((_, i) => i !== axis), type: x.type };
    const operation = by === 'add' ? 'arith.addf' : 'arith.maxnumf';
    const region = `^bb0(${a}: f32, ${b}: f32):\n${result} = ${operation} ${a}, ${b} : f32\ntt.reduce.return ${result} : f32`;
    return this.#write(
      `"tt.reduce"(${x.name}) <{axis = ${axis} : i32}> ({\n${region}\n})`,
      `(${text(x)}) -> ${text(to)}`,
      to,
    );
  }

  /** Product of matrices of bfloat16, summed in float32. */
  dot(a: Tile, b: Tile): Tile {
    const to = { shape: [a.shape[0]!, b.shape[1]!], type: 'f32' } as const;
    const zero = this.full(0, to.shape, 'f32');
    return this.#write(
      `tt.dot ${a.name}, ${b.name}, ${zero.name}, inputPrecision = tf32`,
      `${text(a)} * ${text(b)} -> ${text(to)}`,
      to,
    );
  }

  transpose(x: Tile): Tile {
    const to = { shape: [x.shape[1]!, x.shape[0]!], type: x.type };
    return this.#write(`tt.trans ${x.name} {order = array<i32: 1, 0>}`, `${text(x)} -> ${text(to)}`, to);
  }

  /** Values at `offsets` (in elements); 0 where the mask is false. */
  load(from: Pointer, offsets: Tile, mask?: Tile): Tile {
    const at = this.#address(from, offsets);
    const to = { shape: offsets.shape, type: from.to };
    const masked = mask && [this.#broadcast(mask, offsets.shape), this.full(0, offsets.shape, from.to)];
    const operands = [at, ...(masked ?? [])].map(({ name }) => name).join(', ');
    return this.#write(`tt.load ${operands}`, pointerText(offsets.shape, from), to);
  }

  /** Writes values, converted to the array's type, where the mask is true. */
  store(to: Pointer, offsets: Tile, values: Tile, mask?: Tile): void {
    const at = this.#address(to, offsets);
    const operands = [
      at,
      this.convert(values, to.to),
      ...(mask ? [this.#broadcast(mask, offsets.shape)] : []),
    ];
    this.#lines.push(
      `tt.store ${operands.map(({ name }) => name).join(', ')} : ${pointerText(offsets.shape, to)}`,
    );
  }

  /** Repeats `body` for i = 0, step, 2 · step, … below `end`. Returns the last state. */
  loop(
    end: number,
    step: number,
    start: readonly Tile[],
    body: (i: Tile, state: readonly Tile[]) => readonly Tile[],
  ): Tile[] {
    const id = `%l${this.#next++}`;
    const [from, to, by] = [0, end, step].map((value) => this.full(value, [], 'i32'));
    const state = start.map((tile, i) => ({ ...tile, name: `${id}_${i}` }));
    const bindings = state.map(({ name }, i) => `${name} = ${start[i]!.name}`).join(', ');
    const types = start.map(text).join(', ');
    this.#lines.push(
      `${id}:${start.length} = scf.for ${id}_i = ${from!.name} to ${to!.name} step ${by!.name} ` +
        `iter_args(${bindings}) -> (${types}) : i32 {`,
    );
    const next = body({ name: `${id}_i`, shape: [], type: 'i32' }, state);
    this.#lines.push(`scf.yield ${next.map(({ name }) => name).join(', ')} : ${types}`, '}');
    return start.map((tile, i) => ({ ...tile, name: `${id}#${i}` }));
  }

  /** The kernel's text. */
  finish(): string {
    const head = this.#pointers.map(({ name, to }) => `${name}: !tt.ptr<${to}> {tt.divisibility = 16 : i32}`);
    return [
      'module {',
      `tt.func public @${this.#name}(${head.join(', ')}) {`,
      ...this.#head,
      ...this.#lines,
      'tt.return',
      '}',
      '}',
    ].join('\n');
  }

  #binary(operation: 'add' | 'sub' | 'mul' | 'div', a: Operand, b: Operand): Tile {
    const [x, y] = this.#alike([a, b]) as [Tile, Tile];
    return this.#write(`arith.${operation}${x.type === 'i32' ? 'i' : 'f'} ${x.name}, ${y.name}`, text(x), x);
  }

  /** Operands of one shape and type. */
  #alike(operands: readonly Operand[]): Tile[] {
    const shape = common(operands);
    const type = operands.map(typeOf).find((each) => each !== undefined)!;
    return operands.map((each) => this.#tile(each, shape, type));
  }

  #tile(x: Operand, shape: Shape, type: TileType): Tile {
    return typeof x === 'number' ? this.full(x, shape, type) : this.#broadcast(x, shape);
  }

  #broadcast(x: Tile, shape: Shape): Tile {
    if (x.shape.length === shape.length && x.shape.every((side, i) => side === shape[i])) return x;
    const to = { shape, type: x.type };
    const operation = x.shape.length === 0 ? 'tt.splat' : 'tt.broadcast';
    return this.#write(`${operation} ${x.name}`, `${text(x)} -> ${text(to)}`, to);
  }

  #address({ name, to }: Pointer, offsets: Tile): { name: string } {
    const type = pointerText(offsets.shape, { to });
    const id = this.#next++;
    let base = name;
    if (offsets.shape.length > 0) {
      base = `%p${id}`;
      this.#lines.push(`${base} = tt.splat ${name} : !tt.ptr<${to}> -> ${type}`);
    }
    this.#lines.push(`%q${id} = tt.addptr ${base}, ${offsets.name} : ${type}, ${text(offsets)}`);
    return { name: `%q${id}` };
  }

  #write(operation: string, types: string, { shape, type }: Omit<Tile, 'name'>): Tile {
    const name = `%${this.#next++}`;
    this.#lines.push(`${name} = ${operation} : ${types}`);
    return { name, shape, type };
  }
}

/** `tensor<4x128xf32>`, or `f32` for a scalar */
function text({ shape, type }: Omit<Tile, 'name'>): string {
  return shape.length === 0 ? type : `tensor<${shape.join('x')}x${type}>`;
}

function pointerText(shape: Shape, { to }: Pick<Pointer, 'to'>): string {
  return shape.length === 0 ? `!tt.ptr<${to}>` : `tensor<${shape.join('x')}x!tt.ptr<${to}>>`;
}

const typeOf = (x: Operand) => (typeof x === 'number' ? undefined : x.type);

/** The shape to which operands broadcast. */
function common(operands: readonly Operand[]): Shape {
  const shapes = operands.map((x) => (typeof x === 'number' ? [] : x.shape));
  const rank = Math.max(...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, axis) => Math.max(...shapes.map((shape) => shape[axis] ?? 1)));
}

/** The bits of a float, exact. */
function hex(value: number, type: TileType): string {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!;
  return type === 'bf16'
    ? `0x${(bits >>> 16).toString(16).padStart(4, '0').toUpperCase()}`
    : `0x${bits.toString(16).padStart(8, '0').toUpperCase()}`;
}

/** The smallest power of two that is not below `n`. */
export const powerOfTwo = (n: number) => 2 ** Math.ceil(Math.log2(n));
