import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { constant } from '../../src/graph/index.ts';
import { readSafetensors, writeSafetensors } from '../../src/io/safetensors.ts';
import { classify } from '../../src/models/classifier.ts';
import { encode } from '../../src/models/encoder.ts';
import { type Model, modelParameters, openModel } from '../../src/weights/model.ts';
import { evaluate } from '../support/evaluate.ts';
import { foreignExpected, foreignFixture } from '../support/foreign-fixture.ts';
import { relativeError } from '../support/task-fixture.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();
const expected = await foreignExpected();

function weightsOf(model: Model) {
  const shapes = new Map(modelParameters(model).map(({ name, shape }) => [name, shape]));
  return (name: string) => constant(model.weights[name]!, shapes.get(name)!);
}
const pixels = (name: string) => constant(expected.float(name), expected.shape(name));
const logits = (model: Model, image: string) =>
  evaluate(classify(model.classifier!, weightsOf(model), pixels(image)));

/** A fixture with its weights under other names and its settings changed, in a folder of its own. */
async function changed(
  fixture: string,
  name: (old: string) => string,
  config: (old: Record<string, unknown>) => object | undefined = (old) => old,
): Promise<string> {
  const copy = await mkdtemp(join(folder, 'changed-'));
  const { tensors } = await readSafetensors(foreignFixture(`${fixture}/model.safetensors`));
  const renamed = new Map([...tensors].map(([old, tensor]) => [name(old), tensor]));
  await writeSafetensors(join(copy, 'model.safetensors'), renamed);
  const settings = config(JSON.parse(await readFile(foreignFixture(`${fixture}/config.json`), 'utf8')));
  if (settings) await writeFile(join(copy, 'config.json'), JSON.stringify(settings));
  return copy;
}
const same = (name: string) => name;

describe('names behind prefixes', () => {
  it.each([
    'model.',
    'backbone.',
    'teacher.backbone.',
    'encoder.',
    'module.',
    'module.model.encoder._orig_mod.',
    'a.name.that.nobody.knows.',
  ])('%s, by timm and by Hugging Face', async (prefix) => {
    const timm = await openModel(await changed('timm-square', (name) => prefix + name));
    expect(
      relativeError(logits(timm, 'timm-square.image'), expected.float('timm-square.logits')),
    ).toBeLessThan(1e-5);
    const hf = await openModel(await changed('hf-multi-label', (name) => prefix + name));
    const got = logits(hf, 'hf-multi-label.image');
    expect(relativeError(got, expected.float('hf-multi-label.logits'))).toBeLessThan(1e-5);
  });

  it('of several encoders in one file, with a line that says which is taken', async () => {
    const { weights } = await openModel(foreignFixture('timm-square'));
    for (const [file, note] of [
      ['dino.pth', 'using the weights under teacher; not used: student'],
      [
        'lightning.ckpt',
        'the file has several encoders: using the one under model.encoder, not the one under ema',
      ],
    ] as const) {
      const model = await openModel(foreignFixture(file), { heads: 2 });
      expect(model.report.notes).toContain(note);
      for (const name of ['cls_token', 'blocks.0.mlp.fc1.weight'])
        expect(model.weights[name], file).toEqual(weights[name]);
    }
    const beside = await openModel(foreignFixture('lightning.ckpt'), { heads: 2 });
    expect(beside.report.tensors.find(({ tensor }) => tensor.startsWith('ema.'))).toMatchObject({
      fate: 'ignored',
      reason: 'not under model.encoder',
    });
  });
});

describe('sizes', () => {
  it('are those of the settings, where the positions could be a square too', async () => {
    const model = await openModel(foreignFixture('timm-oblong'));
    expect(model.encoder.image).toEqual([8, 32]);
    expect(
      relativeError(logits(model, 'timm-oblong.image'), expected.float('timm-oblong.logits')),
    ).toBeLessThan(1e-5);
    const two = await openModel(foreignFixture('timm-two-readings'));
    expect(two.encoder.image).toEqual([12, 20]);
    const got = logits(two, 'timm-two-readings.image');
    expect(relativeError(got, expected.float('timm-two-readings.logits'))).toBeLessThan(1e-5);
  });

  it('are asked for where a file can mean two', async () => {
    const alone = join(await changed('timm-two-readings', same, () => undefined), 'model.safetensors');
    const options = { heads: 2 };
    await expect(openModel(alone, options)).rejects.toThrow(
      'its 16 positions fit images of 16×16 (the class token has none) or of 12×20 (the class token has one): choose with --image 16x16 or --image 12x20 (for runs that start from it --set model.image=12,20)',
    );
    expect((await openModel(alone, { ...options, image: [12, 20] })).encoder.image).toEqual([12, 20]);
    expect((await openModel(alone, { ...options, image: [16, 16] })).encoder.image).toEqual([16, 16]);
    expect((await openModel(alone, { ...options, usualImage: [12, 20] })).encoder.image).toEqual([12, 20]);
    await expect(openModel(alone, { ...options, image: [24, 24] })).rejects.toThrow(
      '16 positions must match images of 24×24 in patches of 4, as requested; give another size with --image',
    );
  });

  it('follow from whether the class token has a position, where settings say so', async () => {
    const path = await changed('timm-two-readings', same, (old) => ({
      ...old,
      model_args: { num_heads: 2, no_embed_class: true },
    }));
    expect((await openModel(path)).encoder.image).toEqual([16, 16]);
  });

  it('that contradict the positions are refused; usual ones give way to them', async () => {
    const stated = (img_size: unknown, input_size?: number[]) =>
      changed('timm-square', same, (old) => ({
        ...old,
        model_args: { ...(old.model_args as object), img_size },
        pretrained_cfg: input_size ? { input_size } : null,
      }));
    expect((await openModel(await stated(16))).encoder.image).toEqual([16, 16]);
    expect((await openModel(await stated([8, 32]))).encoder.image).toEqual([8, 32]);
    expect((await openModel(await stated(null, [3, 32, 8]))).encoder.image).toEqual([32, 8]);
    await expect(openModel(await stated(224))).rejects.toThrow(
      '17 positions must match images of 224×224 in patches of 4, as its settings say',
    );
    const usual = await openModel(await stated(undefined, [3, 224, 224]));
    expect(usual.encoder.image).toEqual([16, 16]);
    expect(usual.report.notes).toContain(
      'its settings name images of 224×224; the positions match 16×16, which is used',
    );
  });
});

describe('labels', () => {
  const ofHf = (id2label: unknown) =>
    changed('hf-multi-label', same, (old) => ({ ...old, id2label })).then((path) => openModel(path));
  const ofTimm = (label_names: unknown) =>
    changed('timm-square', same, (old) => ({ ...old, label_names })).then((path) => openModel(path));

  it.each<[string, unknown, string[] | undefined]>([
    ['null', null, undefined],
    ['numbers', { 0: 7, 1: 8, 2: 9 }, ['7', '8', '9']],
    ['a dict', { 2: 'c', 0: 'a', 1: 'b' }, ['a', 'b', 'c']],
    ['a list', ['a', 'b', 'c'], ['a', 'b', 'c']],
    ['some null', { 0: 'a', 1: null, 2: 'c' }, ['a', '1', 'c']],
    ['of other classes', { 0: 'a', 5: 'b' }, undefined],
    ['a text', 'classes', undefined],
  ])('%s', async (_, given, names) => {
    expect((await ofHf(given)).classes).toEqual(names);
    expect((await ofTimm(given)).classes).toEqual(names);
  });

  it('of timm as a dict, as it was saved', async () => {
    expect((await openModel(foreignFixture('timm-square'))).classes).toEqual(['ant', 'bee', 'cow']);
  });
});

it('ViTForMaskedImageModeling opens as its encoder', async () => {
  const model = await openModel(foreignFixture('hf-mim'));
  const got = evaluate(encode(model.encoder, weightsOf(model), pixels('hf-multi-label.image')));
  expect(relativeError(got, expected.float('hf-mim.tokens'))).toBeLessThan(1e-5);
  expect(model.decoder).toBeUndefined();
  const unused = model.report.tensors.filter(({ fate }) => fate === 'ignored');
  expect(unused.map(({ tensor }) => tensor)).toEqual(
    expect.arrayContaining(['decoder.0.weight', 'decoder.0.bias', 'vit.embeddings.mask_token']),
  );
});
