import { list, type Value, type ValueType } from '../stablehlo/values.ts';
import { type FunctionWriter, names } from '../stablehlo/writer.ts';
import { KernelWriter, type Pointer } from './kernel-writer.ts';

/** A kernel and how it runs. */
export interface Kernel {
  readonly name: string;
  /** Numbers of programs. */
  readonly grid: readonly [x: number, y?: number];
  /** Groups of 32 threads per program. */
  readonly warps: number;
  readonly operands: readonly Value[];
  readonly results: readonly ValueType[];
  /** Writes the kernel. Gets the addresses of operands and results. */
  readonly write: (k: KernelWriter, pointers: readonly Pointer[]) => void;
}

/** Calls a kernel. XLA compiles its text with the program around it. Arrays are laid out with the last axis first. */
export function kernelCall(
  writer: FunctionWriter,
  { name, grid, warps, operands, results, write }: Kernel,
): Value[] {
  const pointers = [...operands, ...results].map(
    ({ type }, i): Pointer => ({ name: `%a${i}`, to: type === 'bf16' ? 'bf16' : 'f32' }),
  );
  const kernel = new KernelWriter(name, pointers);
  write(kernel, pointers);
  const ir = kernel.finish().replaceAll('"', '\\22').replaceAll('\n', '\\0A');
  const config = [
    `name = "${name}"`,
    `ir = "${ir}"`,
    `grid_x = ${grid[0]} : i32`,
    `grid_y = ${grid[1] ?? 1} : i32`,
    'grid_z = 1 : i32',
    `num_warps = ${warps} : i32`,
    'num_stages = 1 : i32',
    'debug = false',
  ];
  const attributes = [
    'api_version = 4 : i32',
    `backend_config = {${config.join(', ')}}`,
    `operand_layouts = ${list(operands.map(layout))}`,
    `result_layouts = ${list(results.map(layout))}`,
  ];
  const text = `stablehlo.custom_call @__gpu$xla.gpu.triton(${names(operands)}) {${attributes.join(', ')}}`;
  return writer.writeAll(text, operands, results);
}

/** Minor-to-major order of the axes. */
function layout({ shape }: ValueType): string {
  const order = shape.map((_, i) => shape.length - 1 - i);
  return `dense<${list(order)}> : tensor<${order.length}xindex>`;
}
