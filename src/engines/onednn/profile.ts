import { sizeOf } from '../../graph/tensor.ts';
import { type Timing, together } from '../timing.ts';
import type { Instruction } from './instructions.ts';

/** Least times of a program's calls over many runs, because other work on the machine only adds time. */
export class Profile {
  readonly #instructions: readonly Instruction[];
  readonly #least: Float64Array;

  constructor(instructions: readonly Instruction[]) {
    this.#instructions = instructions;
    this.#least = new Float64Array(instructions.length).fill(Number.POSITIVE_INFINITY);
  }

  /** Runs the calls and times each. @param from the place of the first one among the program's calls */
  run(calls: readonly (() => void)[], from = 0): void {
    let before = performance.now();
    for (const [i, call] of calls.entries()) {
      call();
      const now = performance.now();
      if (now - before < this.#least[from + i]!) this.#least[from + i] = now - before;
      before = now;
    }
  }

  /** Merges the calls of one kind and shape. */
  timings(): Timing[] {
    const measured = this.#instructions.flatMap((instruction, i) => {
      const milliseconds = this.#least[i]!;
      if (milliseconds === Number.POSITIVE_INFINITY) return [];
      return [{ name: describe(instruction), calls: 1, milliseconds, flops: flops(instruction) }];
    });
    return together(measured);
  }
}

/** Kind and shapes of a call. */
export function describe(instruction: Instruction): string {
  const { kind, out } = instruction;
  const type = (view: { dtype: string; shape: readonly number[] }) => `${view.dtype}[${view.shape}]`;
  if (kind === 'matmul') {
    const { a, b, bias } = instruction;
    const mark = (x: typeof a) => (x.strides.at(-1) === 1 ? '' : 'ᵀ');
    return `matmul ${type(a)}${mark(a)} · ${type(b)}${mark(b)} → ${out.dtype}${bias ? ' + bias' : ''}`;
  }
  if (kind === 'host') return `${instruction.kernel} → ${type(out)}`;
  if (kind === 'copy') return `copy ${instruction.x.dtype} → ${type(out)}`;
  const name = 'function' in instruction ? `${kind} ${instruction.function}` : kind;
  return `${name} ${type(out)}`;
}

/** Multiplications and additions of a product or a convolution; else 0. */
export function flops(instruction: Instruction): number {
  const results = 2 * sizeOf(instruction.out.shape);
  if (instruction.kind === 'matmul') return results * instruction.a.shape.at(-1)!;
  if (instruction.kind === 'convolution') return results * sizeOf(instruction.filters.shape.slice(-3));
  if (instruction.kind === 'imageGrad')
    return 2 * sizeOf(instruction.dy.shape) * sizeOf(instruction.filters.shape.slice(-3));
  return 0;
}
