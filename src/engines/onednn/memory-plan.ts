import {
  type Instruction,
  type Plan,
  type PlannedOutput,
  reads,
  replaceable,
  writes,
} from './instructions.ts';
import { isWhole, type MemoryBuffer } from './view.ts';

/** A cache line; also good for vector instructions. */
const ALIGNMENT = 64;

/** Removes instructions whose results are neither read nor outputs. */
export function withoutUnread(
  instructions: readonly Instruction[],
  outputs: readonly PlannedOutput[],
): Instruction[] {
  const read = new Set(outputs.map(({ view }) => view.buffer));
  const kept: Instruction[] = [];
  for (const instruction of instructions.toReversed()) {
    if (!writes(instruction).some(({ buffer }) => read.has(buffer))) continue;
    for (const { buffer } of reads(instruction)) read.add(buffer);
    kept.push(instruction);
  }
  return kept.reverse();
}

interface Lifetime {
  readonly buffer: MemoryBuffer;
  first: number;
  last: number;
  /** The buffer whose memory this one takes over. */
  over?: Lifetime;
}

/**
 * Plans scratch memory. A buffer is live from its first to its last instruction; a result may overwrite an operand
 * whose last use it is. Buffers are placed in order of first use, each into the smallest gap that fits.
 */
export function layOut(
  instructions: readonly Instruction[],
  outputs: readonly PlannedOutput[],
): Pick<Plan, 'offsets' | 'scratchBytes'> {
  const lifetimes = lifetimesOf(instructions, outputs);
  shareWhereReplaced(instructions, lifetimes);
  return place([...lifetimes.values()]);
}

function lifetimesOf(instructions: readonly Instruction[], outputs: readonly PlannedOutput[]) {
  const lifetimes = new Map<MemoryBuffer, Lifetime>();
  const touch = (buffer: MemoryBuffer, at: number) => {
    if (buffer.source && !('feed' in buffer.source)) return;
    // Fed inputs exist before the first instruction.
    const known = lifetimes.get(buffer) ?? { buffer, first: buffer.source ? -1 : at, last: at };
    known.last = Math.max(known.last, at);
    lifetimes.set(buffer, known);
  };
  instructions.forEach((instruction, at) => {
    for (const { buffer } of [...reads(instruction), ...writes(instruction)]) touch(buffer, at);
  });
  for (const { view } of outputs) touch(view.buffer, instructions.length);
  return lifetimes;
}

function shareWhereReplaced(
  instructions: readonly Instruction[],
  lifetimes: ReadonlyMap<MemoryBuffer, Lifetime>,
): void {
  instructions.forEach((instruction, at) => {
    const old = replaceable(instruction);
    if (!old || !isWholeBuffer(old.buffer, instruction) || !isWhole(instruction.out)) return;
    const [from, to] = [lifetimes.get(old.buffer), lifetimes.get(instruction.out.buffer)];
    const others = reads(instruction).filter((view) => view !== old && view.buffer === old.buffer);
    if (!from || !to || from.last !== at || to.first !== at || others.length > 0) return;
    if (from.buffer.bytes === to.buffer.bytes) to.over = from;
  });
}

const isWholeBuffer = (buffer: MemoryBuffer, instruction: Instruction) => {
  const view = replaceable(instruction)!;
  return view.buffer === buffer && isWhole(view);
};

function place(lifetimes: readonly Lifetime[]): Pick<Plan, 'offsets' | 'scratchBytes'> {
  // A chain of buffers that take over from each other has one offset.
  const root = (life: Lifetime): Lifetime => (life.over ? root(life.over) : life);
  const chains = new Map<Lifetime, { first: number; last: number; bytes: number; members: MemoryBuffer[] }>();
  for (const life of lifetimes) {
    const chain = chains.get(root(life)) ?? {
      first: Number.POSITIVE_INFINITY,
      last: -1,
      bytes: Math.ceil(life.buffer.bytes / ALIGNMENT) * ALIGNMENT,
      members: [],
    };
    chain.first = Math.min(chain.first, life.first);
    chain.last = Math.max(chain.last, life.last);
    chain.members.push(life.buffer);
    chains.set(root(life), chain);
  }
  const offsets = new Map<number, number>();
  let placed: { start: number; end: number; last: number }[] = [];
  let scratchBytes = 0;
  for (const { first, last, bytes, members } of [...chains.values()].sort((a, b) => a.first - b.first)) {
    placed = placed.filter((other) => other.last >= first).sort((a, b) => a.start - b.start);
    const start = smallestGap(placed, bytes);
    placed.push({ start, end: start + bytes, last });
    scratchBytes = Math.max(scratchBytes, start + bytes);
    for (const { id } of members) offsets.set(id, start);
  }
  return { offsets, scratchBytes };
}

/** Offset of the smallest gap between sorted blocks that fits, else the end of the last block. */
function smallestGap(placed: readonly { start: number; end: number }[], bytes: number): number {
  let [best, smallest, end] = [-1, Number.POSITIVE_INFINITY, 0];
  for (const piece of placed) {
    const gap = piece.start - end;
    if (gap >= bytes && gap < smallest) [best, smallest] = [end, gap];
    end = Math.max(end, piece.end);
  }
  return best >= 0 ? best : end;
}
