import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { referenceEngine } from '../../src/engines/reference/engine.ts';
import { likeliest, predict } from '../../src/evaluate/predict.ts';
import { openModel } from '../../src/weights/model.ts';
import { type ExportFormat, exportModel } from '../../src/weights/out/export.ts';
import { commandLine } from '../support/command-line.ts';
import { foreignExpected, foreignFixture } from '../support/foreign-fixture.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();
const expected = await foreignExpected();
const model = foreignFixture('hf-multi-label');

async function predictions(path: string) {
  const picture = foreignFixture('pictures/wide.png');
  for await (const { classes } of predict(path, [picture], { engine: referenceEngine })) return classes;
  throw new Error('no prediction');
}

describe('a model whose images may have several labels', () => {
  it('has the probabilities of transformers, each by itself', async () => {
    const logits = expected.float('hf-multi-label.logits').subarray(0, 3);
    const wanted = [...expected.float('hf-multi-label.probabilities').subarray(0, 3)].sort((a, b) => b - a);
    const got = likeliest(logits, 3, { problem: 'multi-label' });
    for (const [i, { probability }] of got.entries()) expect(probability).toBeCloseTo(wanted[i]!, 6);
    const classes = await predictions(model);
    expect(classes.map(({ class: name }) => name).sort()).toEqual(['ant', 'bee', 'cow']);
    expect(Math.abs(classes.reduce((sum, { probability }) => sum + probability, 0) - 1)).toBeGreaterThan(
      0.01,
    );
  });

  it.each<ExportFormat>(['huggingface', 'onnx'])('stays one through an export for %s', async (format) => {
    const output = join(folder, format);
    const stretched = join(folder, `stretched-${format}`);
    await cp(model, stretched, { recursive: true });
    await writeFile(join(stretched, 'preprocessor_config.json'), '{"size": 16}');
    await exportModel(stretched, { format, output, engine: referenceEngine });
    const { problem_type } = JSON.parse(await readFile(join(output, 'config.json'), 'utf8'));
    expect(problem_type).toBe('multi_label_classification');
    if (format === 'huggingface') expect(await predictions(output)).toEqual(await predictions(stretched));
  });

  it('is noted in an export for timm, which has no place for it', async () => {
    const { notes } = await exportModel(model, { format: 'timm', output: join(folder, 'timm') });
    expect(notes.join()).toContain('take the sigmoid of each logit');
  });
});

it('a regression has no classes to predict; another problem is refused by name', async () => {
  const copy = join(folder, 'regression');
  await exportModel(model, { format: 'huggingface', output: copy });
  const config = JSON.parse(await readFile(join(copy, 'config.json'), 'utf8'));
  const set = (problem_type: unknown) =>
    writeFile(join(copy, 'config.json'), JSON.stringify({ ...config, problem_type }));
  await set('regression');
  await expect(predictions(copy)).rejects.toThrow('prediction needs a head of classes');
  await set('ranking');
  await expect(openModel(copy)).rejects.toThrow('problem_type must be single_label_classification');
  await set(null);
  const classes = await predictions(copy);
  expect(classes.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 6);
});

it('commands say in one line what is wrong with weights, and exit with 1', async () => {
  const { run } = commandLine(folder);
  await sharp({ create: { width: 16, height: 16, channels: 3, background: 'red' } }).toFile(
    join(folder, 'red.png'),
  );
  const file = foreignFixture('no-weights/lfs.safetensors');
  for (const args of [
    ['predict', 'red.png', '--from', file],
    ['embed', '.', '--from', file, '--output', 'x.npy'],
  ]) {
    const { code, err } = await run(...args);
    expect(code).toBe(1);
    expect(err).toMatch(/^error: .*got "a pointer of Git LFS"\n$/);
  }
  const bad = await run('predict', 'red.png', '--from', model, '--image', '12by3');
  expect(bad).toMatchObject({ code: 2, err: expect.stringContaining('--image must be a height and width') });
});
