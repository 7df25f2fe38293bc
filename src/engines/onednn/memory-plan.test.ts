import { describe, expect, it } from 'vitest';
import { modelConfig } from '../../models/sizes.ts';
import { pretrainPrograms } from '../../programs/pretrain.ts';
import { task } from '../../tasks/table.ts';
import { reads, replaceable, writes } from './instructions.ts';
import { lower } from './lower.ts';

const model = modelConfig('micro', { depth: 2 });
const { gradients } = pretrainPrograms({
  model,
  task: task('masked'),
  batch: 4,
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
});
const feeds = new Set(['view', 'draw:order']);

describe.each(['f32', 'bf16'] as const)('scratch memory of a training step in %s', (precision) => {
  const { instructions, offsets, scratchBytes, outputs } = lower(gradients, feeds, precision);

  it('is never written while another value in it is still to be read', () => {
    const lastRead = new Map<number, number>();
    instructions.forEach((instruction, at) => {
      for (const { buffer } of reads(instruction)) lastRead.set(buffer.id, at);
    });
    for (const { view } of outputs) lastRead.set(view.buffer.id, instructions.length);
    const owners: { id: number; start: number; end: number }[] = [];
    instructions.forEach((instruction, at) => {
      for (const { buffer } of writes(instruction)) {
        const start = offsets.get(buffer.id)!;
        const end = start + buffer.bytes;
        expect(end).toBeLessThanOrEqual(scratchBytes);
        for (const owner of owners) {
          if (owner.id === buffer.id || owner.start >= end || start >= owner.end) continue;
          const until = lastRead.get(owner.id) ?? -1;
          // An operand may be overwritten element by element at its last use.
          const replaced = replaceable(instruction)?.buffer.id === owner.id;
          expect(replaced ? until <= at : until < at, `${instruction.kind} at ${at}`).toBe(true);
        }
        owners.push({ id: buffer.id, start, end });
      }
    });
  });

  it('holds no GELU from forwards to backwards', () => {
    const gelus = instructions.flatMap((each, at) =>
      each.kind === 'eltwise' && each.function === 'gelu' ? [{ at, x: each.x, out: each.out }] : [],
    );
    expect(gelus).toHaveLength(2 * (model.depth + model.decoder.depth));
    for (const { at, x, out } of gelus) {
      const readers = instructions.flatMap((each, i) =>
        reads(each).some(({ buffer }) => buffer === out.buffer) ? [i] : [],
      );
      expect(readers.length).toBeGreaterThan(0);
      expect(readers.at(-1)! - at).toBeLessThan(10);
      // The argument stays in memory for both.
      expect(gelus.filter((other) => other.x.buffer === x.buffer)).toHaveLength(2);
    }
  });

  it('is read only after it was written or fed', () => {
    const written = new Set<number>();
    for (const instruction of instructions) {
      for (const { buffer } of reads(instruction)) if (!buffer.source) expect(written).toContain(buffer.id);
      for (const { buffer } of writes(instruction)) written.add(buffer.id);
    }
  });

  it('takes at most a third of the memory of all values together', () => {
    const ids = new Map(
      instructions
        .flatMap((each) => [...reads(each), ...writes(each)])
        .map(({ buffer }) => [buffer.id, buffer]),
    );
    const all = [...ids.values()].reduce((sum, { bytes, source }) => sum + (source ? 0 : bytes), 0);
    expect(scratchBytes).toBeLessThan(all / 3);
  });
});
