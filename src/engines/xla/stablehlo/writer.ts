import { type Shape, sameShape, type TensorData } from '../../../graph/tensor.ts';
import {
  type ElementType,
  elementType,
  list,
  literal,
  typeText,
  type Value,
  type ValueType,
} from './values.ts';

/** An argument of a function. `becomes` is the number of the result that reuses its buffer. */
export interface Argument extends ValueType {
  readonly becomes?: number | undefined;
}

/** Writes the body of one StableHLO function (https://openxla.org/stablehlo/spec), operation by operation. */
export class FunctionWriter {
  readonly arguments: readonly Value[];
  /** How float32 products read their operands. With DEFAULT an accelerator may read fewer bits, for example TF32. */
  readonly productPrecision: 'HIGHEST' | 'DEFAULT';
  readonly #types: readonly Argument[];
  readonly #lines: string[] = [];
  readonly #literals = new Map<string, Value>();
  readonly #converted = new Map<string, Value>();
  #next = 0;

  constructor(types: readonly Argument[], productPrecision: 'HIGHEST' | 'DEFAULT' = 'HIGHEST') {
    this.productPrecision = productPrecision;
    this.#types = types;
    this.arguments = types.map(({ shape, type }, i) => ({ name: `%arg${i}`, shape, type }));
  }

  /**
   * `%n = <operation> : (<types of the operands>) -> <type>`; the operation's text names its operands.
   * @param from types of the operands, for operations that write them in another form
   */
  write(operation: string, operands: readonly Value[], result: ValueType, from?: string): Value {
    return this.writeAll(operation, operands, [result], from)[0]!;
  }

  /** The same with several results. */
  writeAll(
    operation: string,
    operands: readonly Value[],
    types: readonly ValueType[],
    from = `(${operands.map(typeText).join(', ')})`,
  ): Value[] {
    const id = `%${this.#next++}`;
    const count = types.length === 1 ? '' : `:${types.length}`;
    const typesText = types.length === 1 ? typeText(types[0]!) : `(${types.map(typeText).join(', ')})`;
    this.#lines.push(`${id}${count} = ${operation} : ${from} -> ${typesText}`);
    return types.map(({ shape, type }, i) => ({ name: count ? `${id}#${i}` : id, shape, type }));
  }

  /** An operation whose text is its name and operands. */
  apply(operation: string, operands: readonly Value[], result: ValueType = operands[0]!): Value {
    return this.write(`${operation} ${names(operands)}`, operands, result);
  }

  /** A constant array. */
  constant(data: TensorData, shape: Shape, type: ElementType): Value {
    const text = `stablehlo.constant ${literal(data, shape)} : ${typeText({ shape, type })}`;
    const known = this.#literals.get(text);
    if (known) return known;
    const value = { name: `%${this.#next++}`, shape, type };
    this.#lines.push(`${value.name} = ${text}`);
    this.#literals.set(text, value);
    return value;
  }

  /** A constant float, repeated in `shape`. */
  number(value: number, shape: Shape = [], type: ElementType = 'f32'): Value {
    return this.broadcast(this.convert(this.constant(Float32Array.of(value), [], 'f32'), type), shape);
  }

  /** The values as another type. Repeated calls share one conversion. */
  convert(x: Value, type: ElementType): Value {
    if (x.type === type) return x;
    const key = `${x.name} ${type}`;
    const value = this.#converted.get(key) ?? this.apply('stablehlo.convert', [x], { shape: x.shape, type });
    this.#converted.set(key, value);
    return value;
  }

  reshape(x: Value, shape: Shape): Value {
    return sameShape(x.shape, shape) ? x : this.apply('stablehlo.reshape', [x], { shape, type: x.type });
  }

  transpose(x: Value, permutation: readonly number[]): Value {
    if (permutation.every((axis, i) => axis === i)) return x;
    const result = { shape: permutation.map((axis) => x.shape[axis]!), type: x.type };
    return this.write(`stablehlo.transpose ${x.name}, dims = ${list(permutation)}`, [x], result);
  }

  /** Repeats along axes of side 1 and new leading axes, as NumPy does. */
  broadcast(x: Value, shape: Shape): Value {
    if (sameShape(x.shape, shape)) return x;
    const offset = shape.length - x.shape.length;
    const axes = x.shape.map((_, axis) => axis + offset);
    const result = { shape, type: x.type };
    return this.write(`stablehlo.broadcast_in_dim ${x.name}, dims = ${list(axes)}`, [x], result);
  }

  /** Reduces `axes` by `stablehlo.<by>` and drops them. */
  reduce(x: Value, by: string, axes: readonly number[], start: Value): Value {
    const result = { shape: x.shape.filter((_, axis) => !axes.includes(axis)), type: x.type };
    const text = `stablehlo.reduce(${x.name} init: ${start.name}) applies stablehlo.${by} across dimensions = ${list(axes)}`;
    return this.write(text, [x, start], result);
  }

  /** The numbers 0, 1, 2, … along `axis`. */
  iota(shape: Shape, axis: number): Value {
    const value = { name: `%${this.#next++}`, shape, type: elementType('i32') };
    this.#lines.push(`${value.name} = stablehlo.iota dim = ${axis} : ${typeText(value)}`);
    return value;
  }

  /** The boolean true. */
  truth(): Value {
    const value = { name: `%${this.#next++}`, shape: [], type: 'i1' as const };
    this.#lines.push(`${value.name} = stablehlo.constant dense<true> : tensor<i1>`);
    return value;
  }

  /**
   * Calls a function `count` times, as a loop. The function takes the iteration number, the state (first `start`) and
   * `fixed`, and returns the next state.
   */
  repeat(
    name: string,
    count: number,
    first: Value,
    start: readonly Value[],
    fixed: readonly Value[],
  ): Value[] {
    const id = `%w${this.#next++}`;
    const state = [first, ...start, ...fixed];
    const inner = state.map(({ shape, type }, i) => ({ name: `${id}_${i}`, shape, type }));
    const bindings = inner.map((value, i) => `${value.name} = ${state[i]!.name}`).join(', ');
    const types = state.map(typeText).join(', ');
    const stateTypes = start.map(typeText).join(', ');
    const [iteration, ...others] = inner as [Value, ...Value[]];
    const results = start.map((_, i) => `${id}_made#${i}`).join(', ');
    this.#lines.push(
      `${id}:${state.length} = stablehlo.while(${bindings}) : ${types}`,
      'cond {',
      `  ${id}_end = stablehlo.constant dense<${count}> : tensor<i32>`,
      `  ${id}_go = stablehlo.compare LT, ${iteration.name}, ${id}_end : (tensor<i32>, tensor<i32>) -> tensor<i1>`,
      `  stablehlo.return ${id}_go : tensor<i1>`,
      '} do {',
      `  ${id}_made:${start.length} = func.call @${name}(${names(inner)}) : (${types}) -> (${stateTypes})`,
      `  ${id}_one = stablehlo.constant dense<1> : tensor<i32>`,
      `  ${id}_next = stablehlo.add ${iteration.name}, ${id}_one : tensor<i32>`,
      `  stablehlo.return ${id}_next, ${results}, ${names(others.slice(start.length))} : ${types}`,
      '}',
    );
    return start.map(({ shape, type }, i) => ({ name: `${id}#${i + 1}`, shape, type }));
  }

  /** Calls another function of the module and returns its results. */
  call(name: string, operands: readonly Value[], types: readonly ValueType[]): Value[] {
    return this.writeAll(`func.call @${name}(${names(operands)})`, operands, types);
  }

  /** The function's text. @param name `main` is the entry point */
  finish(name: string, results: readonly Value[]): string {
    const visibility = name === 'main' ? 'public' : 'private';
    const head = this.#types.map((argument, i) => {
      const alias = argument.becomes === undefined ? '' : ` {tf.aliasing_output = ${argument.becomes} : i32}`;
      return `%arg${i}: ${typeText(argument)}${alias}`;
    });
    const types = results.map(typeText).join(', ');
    return [
      `func.func ${visibility} @${name}(${head.join(', ')}) -> (${types}) {`,
      ...this.#lines.map((line) => `  ${line}`),
      results.length === 0 ? '  return' : `  return ${names(results)} : ${types}`,
      '}',
    ].join('\n');
  }
}

/** `%1, %2` */
export function names(values: readonly Value[]): string {
  return values.map(({ name }) => name).join(', ');
}

/** The text of a module of functions. */
export function moduleText(functions: readonly string[], replicas = 1): string {
  const attributes = `mhlo.num_replicas = ${replicas} : i32, mhlo.num_partitions = 1 : i32`;
  return `module @beyond_masking attributes {${attributes}} {\n${functions.join('\n')}\n}\n`;
}
