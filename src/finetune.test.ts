import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../tests/support/temporary-folder.ts';
import { tinyFinetuneSettings, tinyImages, tinySettings } from '../tests/support/tiny-run.ts';
import type { FinetuneInput } from './config/finetune-schema.ts';
import { type FinetuneOptions, finetune } from './finetune.ts';
import { pretrain } from './pretrain.ts';
import { readCheckpoint } from './train/checkpoint.ts';
import type { FinetuneEvent } from './train/events.ts';
import { readMetrics } from './train/pictures.ts';
import { finetuning } from './train/run-kind.ts';

const folder = temporaryFolder();
const images = join(folder, 'images');
let runs = 0;
beforeAll(async () => {
  await tinyImages(images, 24);
});

async function train(more: FinetuneInput = {}, options: Partial<FinetuneOptions> = {}) {
  const events: FinetuneEvent[] = [];
  const output = options.output ?? join(folder, `run-${runs++}`);
  const settings = tinyFinetuneSettings(`classes:${images}`, {
    ...more,
    training: { epochs: 1, ...more.training },
  });
  const onEvent = (event: FinetuneEvent) => events.push(event);
  const result = await finetune(settings, { onEvent, ...options, output });
  const notes = events.flatMap((event) => (event.type === 'note' ? [event.message] : []));
  return { ...result, output, events, notes, rows: await readMetrics(result.folder) };
}

const scores = { top1: expect.any(Number), top5: 1, evaluationLoss: expect.any(Number) };

describe('finetune', () => {
  it('leaves a run folder', async () => {
    const { output, rows, outcome, step, checkpoint, best } = await train({
      training: { epochs: 2, ema: 0.9 },
    });
    expect({ outcome, step }).toEqual({ outcome: 'finished', step: 8 });
    expect((await readdir(output)).sort()).toEqual([
      'checkpoints',
      'config.json',
      'curves.svg',
      'metrics.jsonl',
    ]);
    expect(await readdir(join(output, 'checkpoints'))).toEqual([
      'best.safetensors',
      'step-00000006.safetensors',
      'step-00000008.safetensors',
    ]);
    const config = JSON.parse(await readFile(join(output, 'config.json'), 'utf8'));
    expect(config).toMatchObject({ kind: 'finetune', from: '', training: { epochs: 2 } });
    expect(rows.map((row) => row.step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const judged = rows.filter((row) => row.top1 !== undefined);
    expect(judged.map((row) => row.step)).toEqual([4, 8]);
    for (const row of judged)
      expect(row).toMatchObject({ ...scores, emaTop1: expect.any(Number), emaTop5: 1 });
    expect(best!.top1).toBe(
      Math.max(...judged.flatMap(({ top1, emaTop1 }) => [Number(top1), Number(emaTop1)])),
    );
    const { classes, state } = await readCheckpoint(checkpoint, finetuning);
    expect(classes).toEqual(['class0', 'class1']);
    expect(
      Object.keys(state)
        .filter((name) => name.endsWith(':head.weight'))
        .sort(),
    ).toEqual(['ema:head.weight', 'm:head.weight', 'v:head.weight']);
    const kept = await readCheckpoint(best!.checkpoint, finetuning);
    expect(Object.keys(kept.state).filter((name) => name.includes(':'))).toEqual([]);
  });

  it('learns', async () => {
    // Each class has a tint of its own, which no augmentation hides.
    const { best } = await train({
      data: { erasing: 0 },
      training: { epochs: 12, learningRate: 1, mixup: 0, cutmix: 0, dropPath: 0 },
    });
    expect(best!.top1).toBe(1);
  });

  it('repeats itself, and changes with the seed', async () => {
    const losses = async (seed: number) => (await train({ seed })).rows.map((row) => row.loss);
    const first = await losses(3);
    expect(await losses(3)).toEqual(first);
    expect(await losses(4)).not.toEqual(first);
  });
});
