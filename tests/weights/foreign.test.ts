import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { referenceEngine } from '../../src/engines/reference/engine.ts';
import { constant } from '../../src/graph/index.ts';
import type { NamedTensor } from '../../src/io/dtypes.ts';
import { readSafetensors, writeSafetensors } from '../../src/io/safetensors.ts';
import { classify } from '../../src/models/classifier.ts';
import { evaluateTask } from '../../src/programs/evaluate-task.ts';
import { task } from '../../src/tasks/table.ts';
import { type Model, modelParameters, openModel } from '../../src/weights/model.ts';
import { evaluate } from '../support/evaluate.ts';
import { relativeError } from '../support/task-fixture.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { readExpected, weightsFixture } from '../support/weights-fixture.ts';

const folder = temporaryFolder();
const expected = await readExpected();

async function masked(model: Model) {
  return evaluateTask({
    model: model.decoder!,
    task: task('masked'),
    maskRatio: 0.75,
    ...model.normalisation,
    weights: model.weights,
    view: expected.float('hf-mae.image'),
    draws: { 'draw:order': expected.integers('hf-mae.order') },
    engine: referenceEngine,
    gradients: false,
  });
}

function logits(model: Model, image: string): number[] {
  const specs = new Map(modelParameters(model).map((spec) => [spec.name, spec.shape]));
  const weights = (name: string) => constant(model.weights[name]!, specs.get(name)!);
  return evaluate(
    classify(model.classifier!, weights, constant(expected.float(image), expected.shape(image))),
  );
}

describe('a model of Hugging Face', () => {
  it('for masked pre-training has the same loss and prediction, targets normalised or not', async () => {
    const model = await openModel(weightsFixture('hf-mae'));
    const got = await masked(model);
    expect(relativeError([got.loss], expected.float('hf-mae.loss'))).toBeLessThan(1e-5);
    expect(relativeError(got.prediction, expected.float('hf-mae.prediction'))).toBeLessThan(1e-5);

    const pixels = join(folder, 'pixels');
    await cp(weightsFixture('hf-mae'), pixels, { recursive: true });
    const config = JSON.parse(await readFile(join(pixels, 'config.json'), 'utf8'));
    await writeFile(join(pixels, 'config.json'), JSON.stringify({ ...config, norm_pix_loss: false }));
    const ofPixels = await masked(await openModel(pixels));
    expect(relativeError([ofPixels.loss], expected.float('hf-mae.loss_of_pixels'))).toBeLessThan(1e-5);
    expect(ofPixels.loss).not.toBeCloseTo(got.loss, 2);
  });

  it('for classification has the same logits, and names its classes', async () => {
    const model = await openModel(weightsFixture('hf-vit'));
    expect(relativeError(logits(model, 'hf-vit.image'), expected.float('hf-vit.logits'))).toBeLessThan(1e-5);
    expect(model.classes).toEqual(['cat', 'dog', 'eel']);
  });

  it('brings its settings', async () => {
    expect(await openModel(weightsFixture('hf-mae'))).toMatchObject({
      source: 'huggingface',
      encoder: {
        image: [32, 32],
        patch: 8,
        width: 24,
        heads: 3,
        mlpRatio: 2,
        epsilon: 1e-12,
        classToken: true,
      },
      decoder: { decoder: { width: 16, depth: 1, heads: 2 }, target: 'patch' },
      normalisation: { mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.4] },
      evaluationCrop: 1,
    });
  });
});

it.each([
  ['timm-token.safetensors', 'token', false],
  ['timm-mean.safetensors', 'mean', true],
  ['timm-mean-of-normed', 'mean', false],
  ['timm-unplaced-token.safetensors', 'token', false],
])('%s of timm has the same logits', async (file, pooling, fcNorm) => {
  const model = await openModel(weightsFixture(file), { heads: 2, image: [16, 16] });
  expect(model).toMatchObject({ source: 'timm', classifier: { classes: 4, pooling, fcNorm } });
  const name = `${file.replace('.safetensors', '')}.logits`;
  expect(relativeError(logits(model, 'timm.image'), expected.float(name))).toBeLessThan(1e-5);
});

it("a checkpoint of MAE's code has the same loss, and brings its options", async () => {
  const model = await openModel(weightsFixture('mae.pth'), { heads: 3, decoderHeads: 2 });
  expect(model).toMatchObject({ source: 'mae', decoder: { target: 'patch', epsilon: 1e-6 } });
  expect(model.report.notes).toContain('not used, besides the weights: optimizer, epoch, scaler');
  expect(relativeError([(await masked(model)).loss], expected.float('mae.loss'))).toBeLessThan(1e-5);
});

it.each([
  ['hf-mae', {}],
  ['hf-vit', {}],
  ['timm-unplaced-token.safetensors', { heads: 2, image: [16, 16] as const }],
  ['mae.pth', { heads: 3, decoderHeads: 2 }],
])('%s: every tensor and every weight is accounted for', async (file, options) => {
  const model = await openModel(weightsFixture(file), options);
  const { tensors, missing } = model.report;
  for (const { tensor, fate, name, reason } of tensors)
    expect(fate === 'ignored' ? reason : name, tensor).toBeTruthy();
  const taken = tensors.flatMap(({ name }) => name?.split(', ') ?? []);
  const filled = missing.map(({ name }) => name);
  expect(new Set([...taken, ...filled])).toEqual(new Set(Object.keys(model.weights)));
  const specs = modelParameters(model).map(({ name }) => name);
  expect(Object.keys(model.weights).sort()).toEqual(specs.sort());
});

describe('other namings of the same model', () => {
  /** A fixture with other names, and files beside it. */
  async function renamed(fixture: string, name: (old: string) => string, beside: readonly string[] = []) {
    const copy = await mkdtemp(join(folder, 'renamed-'));
    const { tensors } = await readSafetensors(weightsFixture(fixture));
    for (const file of beside) await cp(join(dirname(weightsFixture(fixture)), file), join(copy, file));
    const file = join(copy, 'model.safetensors');
    await writeSafetensors(file, new Map([...tensors].map(([old, tensor]) => [name(old), tensor])));
    return file;
  }

  it('decoders of older versions of transformers, encoders saved alone', async () => {
    const { weights } = await openModel(weightsFixture('hf-mae'));
    const older = (name: string) => name.replace('decoder_encoder.layer', 'decoder_layers');
    const whole = await openModel(await renamed('hf-mae/model.safetensors', older, ['config.json']));
    expect(whole.weights).toEqual(weights);
    const alone = (name: string) => name.replace(/^vit\./, '').replace(/^decoder\./, 'predictor.');
    const encoder = await openModel(await renamed('hf-mae/model.safetensors', alone, ['config.json']));
    expect(encoder.decoder).toBeUndefined();
    for (const [name, values] of Object.entries(encoder.weights)) expect(values, name).toEqual(weights[name]);
  });

  it("classifiers of the paper's code, whose biases of queries and values lie apart", async () => {
    const { weights } = await openModel(weightsFixture('timm-mean.safetensors'), { heads: 2 });
    const { tensors } = await readSafetensors(weightsFixture('timm-mean.safetensors'));
    const bias = tensors.get('blocks.0.attn.qkv.bias')!.data as Float32Array;
    tensors.delete('blocks.0.attn.qkv.bias');
    const part = (start: number): NamedTensor => ({
      dtype: 'F32',
      shape: [16],
      data: bias.slice(start, start + 16),
    });
    tensors.set('blocks.0.attn.q_bias', part(0)).set('blocks.0.attn.v_bias', part(32));
    const file = join(folder, 'finetuned.safetensors');
    await writeSafetensors(file, tensors);
    const model = await openModel(file, { heads: 2 });
    expect(model).toMatchObject({
      source: 'paper',
      classifier: { classes: 4, pooling: 'mean', fcNorm: true },
    });
    expect(model.weights).toEqual(weights);
  });
});

it('pytorch_model.bin of a folder is found', async () => {
  const old = await mkdtemp(join(folder, 'old-'));
  await cp(weightsFixture('mae.pth'), join(old, 'pytorch_model.bin'));
  expect((await openModel(old, { heads: 3, decoderHeads: 2 })).path).toBe(join(old, 'pytorch_model.bin'));
});
