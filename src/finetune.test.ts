import { readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { relativeError } from '../tests/support/task-fixture.ts';
import { temporaryFolder } from '../tests/support/temporary-folder.ts';
import { tinyFinetuneSettings, tinyImages, tinySettings } from '../tests/support/tiny-run.ts';
import type { FinetuneInput } from './config/finetune-schema.ts';
import { type FinetuneOptions, finetune } from './finetune.ts';
import { pretrain } from './pretrain.ts';
import { readCheckpoint } from './run/checkpoint.ts';
import type { FinetuneEvent } from './run/events.ts';
import { findCheckpoint } from './run/folder.ts';
import { finetuning } from './run/kinds/finetune.ts';
import { readMetrics } from './run/metrics.ts';

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

const scores = { top1: expect.any(Number), evaluationLoss: expect.any(Number) };

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
      'sittings.jsonl',
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
    for (const row of judged) {
      expect(row).toMatchObject({ ...scores, emaTop1: expect.any(Number) });
      expect(row).not.toHaveProperty('top5'); // of two classes
    }
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
    // Each class has a tint, which no augmentation hides.
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

  it.each(['batch', 'element'] as const)(
    'computes the same in parts of any size (mixed by %s)',
    async (mixMode) => {
      const of = (microBatch: number) => train({ training: { batchSize: 6, mixMode, microBatch } });
      const whole = await of(0);
      const { state } = await readCheckpoint(whole.checkpoint, finetuning);
      for (const size of [1, 2, 3]) {
        const parts = await of(size);
        expect(parts.rows).toHaveLength(whole.rows.length);
        whole.rows.forEach((row, i) => {
          expect(parts.rows[i]!.loss, `parts of ${size}`).toBeCloseTo(row.loss!, 6);
          expect(parts.rows[i]!.gradientNorm, `parts of ${size}`).toBeCloseTo(row.gradientNorm!, 6);
        });
        const { state: other } = await readCheckpoint(parts.checkpoint, finetuning);
        for (const [name, values] of Object.entries(state))
          expect(relativeError(other[name]!, values), `${name}, parts of ${size}`).toBeLessThan(1e-4);
      }
    },
  );

  it('trains on a share of the labels', async () => {
    const { events } = await train({ data: { labels: 0.5 } });
    expect(events.find(({ type }) => type === 'start')).toMatchObject({
      images: 10, // of 18, rounded in each class
      testImages: 6,
      classes: ['class0', 'class1'],
    });
  });

  it('keeps the weights of the average where they score better', async () => {
    const { best, rows, checkpoint } = await train({ training: { epochs: 4, ema: 0.5, learningRate: 2 } });
    const winner = rows.find(({ top1, emaTop1 }) => Math.max(Number(top1), Number(emaTop1)) === best!.top1)!;
    const kept = await readCheckpoint(best!.checkpoint, finetuning);
    expect(kept.progress.step).toBe(winner.step);
    if (winner.step !== rows.at(-1)!.step) return;
    const { state } = await readCheckpoint(checkpoint, finetuning);
    const name = Number(winner.emaTop1) > Number(winner.top1) ? 'ema:head.weight' : 'head.weight';
    expect(kept.state['head.weight']).toEqual(state[name]);
  });

  it('evaluates every few epochs, and at the end', async () => {
    const { rows } = await train({ training: { epochs: 3 }, evaluation: { every: 2, images: 4 } });
    expect(rows.filter(({ top1 }) => top1 !== undefined).map(({ step }) => step)).toEqual([8, 12]);
  });

  it('refuses what cannot work, before it leaves anything', async () => {
    const output = join(folder, 'refused');
    const refused: [FinetuneInput, Partial<FinetuneOptions>, string][] = [
      [{ data: { source: '' } }, {}, 'images with classes are needed, got none'],
      [
        { data: { source: images } },
        {},
        `without: its 2 sub-folders look like classes: use --data classes:${images}`,
      ],
      [{ data: { heldOut: 0 } }, {}, 'test images are needed, got none: data.heldOut is 0'],
      [{ data: { randAugment: 'rand-q9' } }, {}, "got 'q9' in 'rand-q9'"],
      [{ model: { pooling: 'token' } }, {}, "model.pooling must be 'mean' for a model without a class token"],
      [{ recipe: 'cifar10-micro-fintune' }, {}, 'did you mean "cifar10-micro-finetune"?'],
      [{}, { from: join(folder, 'nothing') }, 'nothing: no such file or folder'],
      [{}, { from: join(images, 'class0', '000.png') }, '000.png'],
    ];
    for (const [more, options, message] of refused)
      await expect(train(more, { ...options, output })).rejects.toThrow(message);
    await expect(readdir(output)).rejects.toThrow('ENOENT');
  });
});

describe('finetune from weights', () => {
  const pretrained = join(folder, 'pretrained');
  beforeAll(async () => {
    const settings = tinySettings(`classes:${images}`, {
      model: { depth: 2, classToken: true, positions: 'learned' },
      training: { maxSteps: 1 },
      data: { mean: [0.4, 0.5, 0.6] },
      evaluation: { reconstructions: 0 },
    });
    await pretrain(settings, { output: pretrained });
  });
  const given = (more: FinetuneInput = {}, options: Partial<FinetuneOptions> = {}) =>
    train({ training: { maxSteps: 1, dropPath: 0 }, ...more }, { from: pretrained, ...options });
  const first = async (output: string) =>
    (await readCheckpoint(join(output, 'checkpoints', 'step-00000000.safetensors'), finetuning)).state;
  const pretrainedState = async () => (await readCheckpoint(await findCheckpoint(pretrained))).state;

  it('takes sizes, normalisation and weights, and says so', async () => {
    const { output, notes } = await given();
    const config = JSON.parse(await readFile(join(output, 'config.json'), 'utf8'));
    expect(config).toMatchObject({
      from: pretrained,
      model: { depth: 2, classToken: true, positions: 'learned' },
      data: { mean: [0.4, 0.5, 0.6] },
    });
    expect(notes).toEqual([
      expect.stringMatching(
        /^encoder loaded from .*step-00000001\.safetensors \(28 weights\); new classifier for 2 classes$/,
      ),
    ]);
    const [state, before] = [await first(output), await pretrainedState()];
    for (const name of ['cls_token', 'pos_embed', 'blocks.1.mlp.fc2.weight'])
      expect(state[name]).toEqual(before[name]);
  });

  it('interpolates learned positions for images of another size', async () => {
    const { output, notes } = await given({ model: { image: [12, 16] } });
    expect(notes).toContain("positions interpolated (bicubic) for 3×4 patches, the file's are for 2×2");
    const [state, before] = [await first(output), await pretrainedState()];
    expect(state.pos_embed).toHaveLength((1 + 12) * 8);
    expect(state.pos_embed!.slice(0, 8)).toEqual(before.pos_embed!.slice(0, 8));
    expect(state['patch_embed.proj.weight']).toEqual(before['patch_embed.proj.weight']);
  });

  it('keeps a head for the same classes, and replaces others', async () => {
    const classifier = await train();
    const again = await given({ training: { maxSteps: 1 } }, { from: classifier.output });
    expect(again.notes[0]).toMatch(/^encoder loaded from .*; classifier for 2 classes loaded$/);
    const kept = await readCheckpoint(classifier.best!.checkpoint, finetuning);
    expect((await first(again.output))['head.weight']).toEqual(kept.state['head.weight']);

    const three = join(folder, 'three');
    await tinyImages(three, 24, 3);
    const source = { data: { source: `classes:${three}` }, training: { maxSteps: 1 } };
    const other = await given(source, { from: classifier.output });
    expect(other.notes[0]).toContain("; new classifier for 3 classes (the file's is for 2)");
    expect((await first(other.output))['head.weight']).toHaveLength(3 * 8);

    await rename(join(three, 'class2'), join(folder, 'unused'));
    await rename(join(three, 'class1'), join(three, 'classB'));
    const renamed = await given(source, { from: classifier.output });
    expect(renamed.notes[0]).toContain(
      "; new classifier for 2 classes (the file's is for others: class0, class1)",
    );
  });

  // Written by transformers and by MAE's code: tests/oracle/make_weights_fixtures.py.
  it.each([
    ['hf-vit', {}, '(30 weights)', "; new classifier for 2 classes (the file's is for 3)"],
    ['hf-mae', {}, '(28 weights)', '; new classifier for 2 classes'],
    ['mae.pth', { heads: 3 }, '(28 weights)', '; new classifier for 2 classes'],
  ])('starts from %s', async (name, model, loaded, head) => {
    const from = fileURLToPath(new URL(`../tests/fixtures/weights/${name}`, import.meta.url));
    const tiny = tinyFinetuneSettings(`classes:${images}`, { training: { maxSteps: 1 } });
    const notes: string[] = [];
    const onEvent = (event: FinetuneEvent) => event.type === 'note' && notes.push(event.message);
    const { outcome } = await finetune({ ...tiny, model }, { from, output: join(folder, name), onEvent });
    expect(outcome).toBe('max-steps');
    expect(notes[0]).toContain(loaded);
    expect(notes[0]).toContain(head);
  });

  it('refuses sizes that are not those of the weights', async () => {
    await expect(given({ model: { width: 16 } })).rejects.toThrow(
      'model.width must match the weights, 8, got 16',
    );
  });
});
