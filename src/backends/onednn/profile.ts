import { sizeOf } from '../../graph/tensor.ts';
import type { Instruction } from './instructions.ts';
import type { Timing } from './messages.ts';

/** Least times of a program's calls over many runs: other work on the machine only ever adds to them. */
export class Profile {
  private readonly instructions: readonly Instruction[];
  private readonly least: Float64Array;

  constructor(instructions: readonly Instruction[]) {
    this.instructions = instructions;
    this.least = new Float64Array(instructions.length).fill(Number.POSITIVE_INFINITY);
  }

  /** Makes the calls, each with its time. */
  run(calls: readonly (() => void)[]): void {
    let before = performance.now();
    for (const [i, call] of calls.entries()) {
      call();
      const now = performance.now();
      if (now - before < this.least[i]!) this.least[i] = now - before;
      before = now;
    }
  }

  /** Calls of one kind and shape taken together. */
  timings(): Timing[] {
    const found = new Map<string, { name: string; calls: number; milliseconds: number; flops: number }>();
    for (const [i, instruction] of this.instructions.entries()) {
      if (this.least[i] === Number.POSITIVE_INFINITY) continue;
      const name = describe(instruction);
      const entry = found.get(name) ?? { name, calls: 0, milliseconds: 0, flops: 0 };
      entry.calls++;
      entry.milliseconds += this.least[i]!;
      entry.flops += flops(instruction);
      found.set(name, entry);
    }
    return [...found.values()];
  }
}

/** What a call computes, and of which sides. */
export function describe(instruction: Instruction): string {
  const { kind, out } = instruction;
  const type = (view: { dtype: string; shape: readonly number[] }) => `${view.dtype}[${view.shape}]`;
  if (kind === 'matmul') {
    const { a, b, bias } = instruction;
    const turned = (x: typeof a) => (x.strides.at(-1) === 1 ? '' : 'ᵀ');
    return `matmul ${type(a)}${turned(a)} · ${type(b)}${turned(b)} → ${out.dtype}${bias ? ' + bias' : ''}`;
  }
  if (kind === 'host') return `${instruction.kernel} → ${type(out)}`;
  if (kind === 'copy') return `copy ${instruction.x.dtype} → ${type(out)}`;
  const name = 'function' in instruction ? `${kind} ${instruction.function}` : kind;
  return `${name} ${type(out)}`;
}

/** Multiplications and additions of a product; 0 for all else. */
export function flops(instruction: Instruction): number {
  if (instruction.kind !== 'matmul') return 0;
  return 2 * sizeOf(instruction.out.shape) * instruction.a.shape.at(-1)!;
}
