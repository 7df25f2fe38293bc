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
const given = new Set(['view', 'draw:order']);

describe.each(['f32', 'bf16'] as const)('scratch memory of a training step in %s', (precision) => {
  const { instructions, places, scratchBytes, outputs } = lower(gradients, given, precision);

  it('is never written while another value in it is still to be read', () => {
    const lastRead = new Map<number, number>();
    instructions.forEach((instruction, at) => {
      for (const { region } of reads(instruction)) lastRead.set(region.id, at);
    });
    for (const { view } of outputs) lastRead.set(view.region.id, instructions.length);
    const owners: { id: number; start: number; end: number }[] = [];
    instructions.forEach((instruction, at) => {
      for (const { region } of writes(instruction)) {
        const start = places.get(region.id)!;
        const end = start + region.bytes;
        expect(end).toBeLessThanOrEqual(scratchBytes);
        for (const owner of owners) {
          if (owner.id === region.id || owner.start >= end || start >= owner.end) continue;
          const until = lastRead.get(owner.id) ?? -1;
          // What is read here for the last time may be overwritten element by element.
          const replaced = replaceable(instruction)?.region.id === owner.id;
          expect(replaced ? until <= at : until < at, `${instruction.kind} at ${at}`).toBe(true);
        }
        owners.push({ id: region.id, start, end });
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
        reads(each).some(({ region }) => region === out.region) ? [i] : [],
      );
      expect(readers.length).toBeGreaterThan(0);
      expect(readers.at(-1)! - at).toBeLessThan(10);
      // The argument is kept for both times.
      expect(gelus.filter((other) => other.x.region === x.region)).toHaveLength(2);
    }
  });

  it('is read only where something was written or given', () => {
    const written = new Set<number>();
    for (const instruction of instructions) {
      for (const { region } of reads(instruction)) if (!region.source) expect(written).toContain(region.id);
      for (const { region } of writes(instruction)) written.add(region.id);
    }
  });

  it('is a third of what the values would take side by side at most', () => {
    const ids = new Map(
      instructions
        .flatMap((each) => [...reads(each), ...writes(each)])
        .map(({ region }) => [region.id, region]),
    );
    const all = [...ids.values()].reduce((sum, { bytes, source }) => sum + (source ? 0 : bytes), 0);
    expect(scratchBytes).toBeLessThan(all / 3);
  });
});
