import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { openImages } from '../../src/data/sources/image-list.ts';
import { centralViews } from '../../src/evaluate/views.ts';
import type { NamedTensor } from '../../src/io/dtypes.ts';
import { readSafetensors, writeSafetensors } from '../../src/io/safetensors.ts';
import { rng } from '../../src/random/rng.ts';
import { type Model, openModel } from '../../src/weights/model.ts';
import { exportModel } from '../../src/weights/out/export.ts';
import { foreignExpected, foreignFixture } from '../support/foreign-fixture.ts';
import { seed } from '../support/random.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Case {
  readonly project: 'huggingface' | 'timm';
  readonly name: string;
  readonly picture: string;
  readonly config: Record<string, unknown>;
}
const cases: Case[] = JSON.parse(await readFile(foreignFixture('preprocessing.json'), 'utf8'));
const expected = await foreignExpected();
const folder = temporaryFolder();

/** A model of images of 8 × 8, with a file of preprocessing. */
async function prepared(project: Case['project'], config: object): Promise<string> {
  const copy = await mkdtemp(join(folder, 'model-'));
  const hf = project === 'huggingface';
  const fixture = hf ? 'hf-multi-label' : 'timm-square';
  const { tensors } = await readSafetensors(foreignFixture(`${fixture}/model.safetensors`));
  const positions = hf ? 'vit.embeddings.position_embeddings' : 'pos_embed';
  const data = (tensors.get(positions)!.data as Float32Array<ArrayBuffer>).slice(0, 5 * 8);
  tensors.set(positions, { dtype: 'F32', shape: [1, 5, 8], data } satisfies NamedTensor);
  await writeSafetensors(join(copy, 'model.safetensors'), tensors);
  const settings = JSON.parse(await readFile(foreignFixture(`${fixture}/config.json`), 'utf8'));
  const stated = hf
    ? { ...settings, image_size: 8 }
    : { ...settings, model_args: { ...settings.model_args, img_size: 8 }, pretrained_cfg: config };
  await writeFile(join(copy, 'config.json'), JSON.stringify(stated));
  if (hf) await writeFile(join(copy, 'preprocessor_config.json'), JSON.stringify(config));
  return copy;
}

/** Bytes of the view that evaluation makes of a picture, and what enters the model. */
async function viewOf(model: Model, picture: string) {
  const images = await openImages([picture]);
  const views = centralViews(model, images, { batchSize: 1 });
  for await (const { view } of views) {
    const { mean, std } = model.normalisation;
    const size = view.length / 3;
    const channel = (i: number) => Math.floor(i / size);
    return {
      view,
      values: Array.from(view, (byte, i) => (byte / 255 - mean[channel(i)]!) / std[channel(i)]!),
    };
  }
  throw new Error('no view');
}

const picture = (name: string) => foreignFixture(`pictures/${name}.png`);

describe('preprocessing of other projects', () => {
  it.each(cases)('$project, $name, $picture', async ({ project, name, picture: file, config }) => {
    const model = await openModel(await prepared(project, config));
    const { values } = await viewOf(model, picture(file));
    const theirs = expected.float(`${file}: ${name}`);
    // timm resizes with Pillow: the same bytes, but of pictures that Pillow 13 resizes down first. transformers resizes with
    // torchvision: a step of 1/255 may differ.
    const steps = project === 'timm' && file !== 'tall' ? 0.1 : 1.1;
    const { std } = model.normalisation;
    for (const [i, value] of values.entries()) {
      const step = 1 / 255 / std[Math.floor(i / 64)]!;
      const rounding = 1e-3 * Math.abs(theirs[i]!); // the fixture has half precision
      expect(Math.abs(value - theirs[i]!), `value ${i}`).toBeLessThan(steps * step + rounding);
    }
  });

  it('is kept by exports', async () => {
    for (const { project, name, config, picture: file } of cases) {
      if (file !== 'wide' || ['cut as it is', 'just inside', 'border, cut'].includes(name)) continue;
      const path = await prepared(project, config);
      const before = await viewOf(await openModel(path), picture(file));
      const output = join(folder, `out-${project}-${name.replaceAll(/\W/g, '')}`);
      await exportModel(path, { format: project, output });
      const after = await viewOf(await openModel(output), picture(file));
      expect(after.view, name).toEqual(before.view);
      for (const [i, value] of after.values.entries()) expect(value, name).toBeCloseTo(before.values[i]!, 4);
    }
  });

  it('holds for large files too, which are decoded in another way', async () => {
    const large = join(folder, 'large.png');
    const random = rng(seed, 'noise');
    const noise = Buffer.from(Array.from({ length: 3 * 700 * 620 }, () => random.int(256)));
    await sharp(noise, { raw: { width: 700, height: 620, channels: 3 } })
      .png({ compressionLevel: 0 })
      .toFile(large);
    const config = { size: { height: 8, width: 8 }, resample: 2 };
    const model = await openModel(await prepared('huggingface', config));
    const { view } = await viewOf(model, large);
    expect(Math.abs(view.reduce((a, b) => a + b, 0) / view.length - 127.5)).toBeLessThan(5);
  });

  it.each<[string, object, string]>([
    ['do_pad', { do_pad: true }, 'and normalised; remove do_pad from the file'],
    ['an unknown step', { do_something: true }, 'and normalised; remove do_something from the file'],
    ['crop_pct', { crop_pct: 0.9 }, 'and normalised; remove crop_pct from the file'],
    [
      'an unknown processor',
      { image_processor_type: 'ConvNextImageProcessor' },
      'the image processor must be one of ',
    ],
    ['views of many sizes', { size: { shortest_edge: 8 } }, 'or do_center_crop be true'],
    ['views of another size', { size: 9 }, "views must have the size of the model's images, 8×8"],
    ['both edges', { size: { shortest_edge: 8, longest_edge: 9 } }, 'shortest_edge or longest_edge alone'],
    ['an unknown edge', { size: { side: 8 } }, 'size: Unrecognized key: "side"'],
    ['an unknown filter', { size: 8, resample: 'sharp' }, 'resample must be 0 to 5 or one of nearest'],
    [
      'a cut of one edge',
      { size: 8, do_center_crop: true, crop_size: { shortest_edge: 8 } },
      'crop_size must have',
    ],
    [
      'a deviation of 0',
      { size: 8, image_std: 0 },
      'mean and deviation must be given for each of 3 channels',
    ],
  ])('of %s is refused by name', async (_, config, message) => {
    await expect(prepared('huggingface', config).then((path) => openModel(path))).rejects.toThrow(message);
  });

  it('of older files of timm, which have all in one object', async () => {
    const path = await prepared('timm', {});
    const { architecture, model_args } = JSON.parse(await readFile(join(path, 'config.json'), 'utf8'));
    const { config } = cases.find(({ name, project }) => project === 'timm' && name === 'squash')!;
    await writeFile(join(path, 'config.json'), JSON.stringify({ architecture, model_args, ...config }));
    const nested = await openModel(await prepared('timm', config));
    const { evaluationView, normalisation } = await openModel(path);
    expect({ evaluationView, normalisation }).toEqual({
      evaluationView: nested.evaluationView,
      normalisation: nested.normalisation,
    });
    expect(evaluationView!.fit).toBe('stretch');
  });

  it.each<[object, string]>([
    [{ crop_mode: 'fold' }, 'crop_mode must be center, squash or border'],
    [{ interpolation: 'random' }, 'interpolation must be one of nearest'],
  ])('%j of timm is refused by name', async (config, message) => {
    await expect(prepared('timm', config).then((path) => openModel(path))).rejects.toThrow(message);
  });
});
