import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { writeShapes } from '../../src/data/shapes/write.ts';
import { finetune } from '../../src/finetune.ts';
import { constant } from '../../src/graph/index.ts';
import { toFloat32 } from '../../src/io/dtypes.ts';
import { readSafetensors } from '../../src/io/safetensors.ts';
import { classify } from '../../src/models/classifier.ts';
import { segment } from '../../src/models/segmenter.ts';
import type { SegmentEvent } from '../../src/run/events.ts';
import { trainSegmenter } from '../../src/segment.ts';
import { inspectModel } from '../../src/weights/inspect.ts';
import { type Model, modelParameters, openModel } from '../../src/weights/model.ts';
import { exportModel } from '../../src/weights/out/export.ts';
import { evaluate } from '../support/evaluate.ts';
import { relativeError } from '../support/task-fixture.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tinyImages } from '../support/tiny-run.ts';

// Written by tests/oracle/make_beit_fixtures.py.

const folder = temporaryFolder();
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/beit/${name}`, import.meta.url));
const { tensors } = await readSafetensors(fixture('expected.safetensors'));
const expected = (name: string) => toFloat32(tensors.get(name)!);
const image = constant(expected('image'), tensors.get('image')!.shape);

function weightsOf(model: Model) {
  const specs = new Map(modelParameters(model).map((spec) => [spec.name, spec.shape]));
  return (name: string) => constant(model.weights[name]!, specs.get(name)!);
}

/** Logits [B, K, h, w]. */
function logitsOf(model: Model): number[] {
  const { logits } = segment(model.segmenter!, weightsOf(model), image);
  const [batch, rows, columns, classes] = logits.shape as [number, number, number, number];
  const values = evaluate(logits);
  const size = rows * columns;
  return Array.from({ length: batch * classes * size }, (_, i) => {
    const [b, k, place] = [Math.floor(i / (classes * size)), Math.floor(i / size) % classes, i % size];
    return values[(b * size + place) * classes + k]!;
  });
}

describe("Hugging Face's BEiT", () => {
  it.each([
    ['segmentation', { relativePositions: true, layerScale: 0.1, positions: 'learned' }, 3],
    ['segmentation-plain', { positions: 'learned' }, 2],
  ] as const)('%s has the same logits', async (name, encoder, classes) => {
    const model = await openModel(fixture(name));
    expect(model).toMatchObject({
      source: 'huggingface',
      encoder: { ...encoder, depth: 5, heads: 2, width: 4, image: [16, 16], classToken: true },
      segmenter: { classes, head: { kind: 'upernet', channels: 4, taps: [0, 1, 2, 3] } },
      normalisation: { mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.4] },
    });
    expect(relativeError(logitsOf(model), expected(name))).toBeLessThan(1e-5);
  });

  it('every tensor is accounted for', async () => {
    const { model, refusal } = await inspectModel(fixture('segmentation'));
    expect(refusal).toBeUndefined();
    const ignored = model!.report.tensors
      .filter(({ fate }) => fate === 'ignored')
      .map(({ tensor }) => tensor);
    for (const tensor of ignored) expect(tensor).toMatch(/num_batches_tracked$|layer\.4\./);
    expect(model!.report.missing.map(({ name }) => name)).toEqual(['pos_embed']);
    expect(model!.classes).toEqual(['sky', 'sea', 'sand']);
  });

  it('for classification has the same logits', async () => {
    const model = await openModel(fixture('classification'));
    expect(model).toMatchObject({ classifier: { pooling: 'mean', fcNorm: true, classes: 3 } });
    const logits = evaluate(classify(model.classifier!, weightsOf(model), image));
    expect(relativeError(logits, expected('classification'))).toBeLessThan(1e-5);
  });

  it('with relative positions that all blocks share is refused', async () => {
    await expect(openModel(fixture('shared'))).rejects.toThrow(
      'models here are plain Vision Transformers, without relative positions that all blocks share',
    );
  });

  it('without config.json the blocks of its head are assumed, which a note says', async () => {
    const bare = join(folder, 'bare');
    await cp(fixture('segmentation'), bare, { recursive: true });
    const config = JSON.parse(await readFile(join(bare, 'config.json'), 'utf8'));
    delete config.out_indices;
    await writeFile(join(bare, 'config.json'), JSON.stringify(config));
    await expect(openModel(bare)).rejects.toThrow('a pyramid needs a tap below 5');
  });

  it('goes out again as the same model', async () => {
    const output = join(folder, 'again');
    await exportModel(fixture('segmentation'), { format: 'huggingface', output });
    expect(logitsOf(await openModel(output))).toEqual(logitsOf(await openModel(fixture('segmentation'))));
    const { check } = await exportModel(fixture('segmentation'), {
      format: 'onnx',
      output: join(folder, 'onnx'),
    });
    expect(check!.difference).toBeLessThan(1e-5);
  });

  it('is where segment starts, its relative positions interpolated; its head comes along where the classes do', async () => {
    const shapes = join(folder, 'shapes');
    await writeShapes(shapes, { train: 4, val: 2, size: 24, seed: 3 });
    const notes: string[] = [];
    const onEvent = (event: SegmentEvent) => void (event.type === 'note' && notes.push(event.message));
    const settings = (side: number) => ({
      data: { source: `masks:${shapes}` },
      model: {
        image: [side, side] as [number, number],
        head: { kind: 'upernet' as const, channels: 4, taps: [0, 1, 2, 3], auxiliary: 4 },
      },
      training: { epochs: 1, batchSize: 2, warmupEpochs: 0 },
      evaluation: { pictures: 0 },
    });
    const output = join(folder, 'run');
    await trainSegmenter(settings(24), { output, from: fixture('segmentation'), onEvent });
    const text = notes.join('\n');
    expect(text).toContain('positions interpolated (bicubic) for 6×6 patches');
    expect(text).toContain("new upernet head for 4 classes (the file's is for 3)");
    expect(text).not.toContain('other shape');
    expect(text).not.toMatch(/not used: .*(gamma|relative)/);
    const trained = await openModel(output);
    expect(trained.encoder).toMatchObject({ relativePositions: true, layerScale: 0.1 });
    const table = trained.weights['blocks.0.attn.relative_position_bias_table']!;
    expect(table.length).toBe((11 * 11 + 3) * 2);
    expect(Math.max(...table)).toBeGreaterThan(0.1);
  });

  it('is refused where its relative positions would be lost', async () => {
    await tinyImages(join(folder, 'images'), 8);
    const settings = {
      data: { source: `classes:${join(folder, 'images')}` },
      training: { epochs: 1, batchSize: 2 },
    };
    await expect(
      finetune(settings, { from: fixture('classification'), output: join(folder, 'tuned') }),
    ).rejects.toThrow(/with relative positions and layer scale, which this run has not/);
  });
});
