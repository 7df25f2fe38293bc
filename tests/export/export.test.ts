import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { referenceEngine } from '../../src/engines/reference/engine.ts';
import type { Values } from '../../src/graph/index.ts';
import { readSafetensors, writeSafetensors } from '../../src/io/safetensors.ts';
import { type Rng, rng } from '../../src/random/rng.ts';
import { type Model, openModel } from '../../src/weights/model.ts';
import { type ExportOptions, exportModel } from '../../src/weights/out/export.ts';
import { changedEngine } from '../support/changed-engine.ts';
import { seed } from '../support/random.ts';
import { randomCheckpoint, randomClassifier } from '../support/random-checkpoint.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { cases } from './cases.ts';

// What Python's libraries make of the files is checked by `npm run test:exports`.

const folder = temporaryFolder();
let count = 0;

/** A checkpoint of a case's model. */
async function checkpointOf(name: string, random: Rng = rng(seed)): Promise<string> {
  const path = join(folder, `${count++}.safetensors`);
  await cases[name]!.write(path, random);
  return path;
}

const newFolder = () => join(folder, `${count++}`);

const exports = Object.entries(cases).flatMap(([name, { exports }]) =>
  exports.map(([format, part]) => ({ name, format, part })),
);

/** What cannot be opened again: the norm after the pooling belongs to a head. */
const oneWay = ({ name, part }: (typeof exports)[number]) =>
  name === 'fine-tuned, mean of the patches' && part === 'features';

/** Weights of a model, biases of keys, which attention ignores, zero. */
function withoutKeys(weights: Model['weights']): Model['weights'] {
  return Object.fromEntries(
    Object.entries(weights).map(([name, data]) => {
      const width = data.length / 3;
      return [name, name.endsWith('qkv.bias') ? data.slice().fill(0, width, 2 * width) : data];
    }),
  );
}

describe(`exports (SEED=${seed})`, () => {
  it.each(exports.filter((one) => one.format !== 'onnx' && !oneWay(one)))(
    'open again as the same model: $name, $format, $part',
    async ({ name, format, part }) => {
      const path = await checkpointOf(name);
      const original = await openModel(path);
      const { folder, files } = await exportModel(path, { format, part, output: newFolder() });
      expect(files.map(({ path }) => path)).toEqual([
        'README.md',
        'config.json',
        'model.safetensors',
        ...(format === 'huggingface' ? ['preprocessor_config.json'] : []),
      ]);
      const again = await openModel(folder);
      const { image, patch, channels, width, depth, heads, classToken } = original.encoder;
      expect(again.encoder).toMatchObject({ image, patch, channels, width, depth, heads, classToken });
      expect(again.normalisation).toEqual(original.normalisation);
      if (image[0] === image[1]) expect(again.evaluationCrop).toBeCloseTo(original.evaluationCrop, 1);
      const kept = (name: string) =>
        (part === 'autoencoder' || !/decoder|mask_token/.test(name)) &&
        (part === 'classifier' || part === 'segmenter' || !/^head/.test(name));
      for (const [name, data] of Object.entries(withoutKeys(original.weights)).filter(([name]) => kept(name)))
        expect(again.weights[name], name).toEqual(data);
      if (part === 'segmenter')
        expect(again).toMatchObject({
          segmenter: { classes: 5, head: original.segmenter!.head },
          classes: original.classes,
        });
      if (part === 'classifier')
        expect(again).toMatchObject({ classifier: { classes: 5 }, classes: original.classes });
      // A decoder of another project has no kind but the usual one.
      if (part === 'autoencoder')
        expect({ kind: 'transformer', share: 1, ...again.decoder?.decoder }).toEqual(
          original.decoder?.decoder,
        );
    },
  );

  it.each([
    [{ decoder: { kind: 'cross', share: 0.5 } }, 'got cross and the target channel'],
    [{ decoder: { kind: 'linear' } }, 'got linear and the target channel'],
    [{ target: 'hog' }, 'got transformer and the target hog'],
  ] as const)(
    'an autoencoder that transformers does not know is refused, its encoder is not: %j',
    async (model, got) => {
      const path = join(folder, `${count++}.safetensors`);
      const size = {
        image: [16, 16] as [number, number],
        patch: 4,
        width: 12,
        depth: 1,
        heads: 3,
        classToken: true,
      };
      const decoder = { width: 8, depth: 1, heads: 2, ...('decoder' in model && model.decoder) };
      await randomCheckpoint(path, rng(seed), {
        task: { name: 'masked' },
        model: { ...size, ...model, decoder },
      });
      const options = { format: 'huggingface', output: newFolder() } as const;
      await expect(exportModel(path, { ...options, part: 'autoencoder' })).rejects.toThrow(got);
      await exportModel(path, { ...options, part: 'features' });
      expect((await openModel(options.output)).encoder).toMatchObject(size);
    },
  );

  it.each(exports.filter(({ format }) => format === 'onnx'))(
    'as ONNX equal the reference: $name, $part',
    async ({ name, part }) => {
      const path = await checkpointOf(name);
      const output = newFolder();
      const { check, files } = await exportModel(path, {
        format: 'onnx',
        part,
        output,
        engine: referenceEngine,
      });
      expect(check!.difference).toBeLessThan(1e-5);
      expect(check!.engine).toBe(referenceEngine.description);
      expect(files.map(({ path }) => path)).toEqual([
        'README.md',
        'config.json',
        join('onnx', 'model.onnx'),
        ...(part === 'segmenter' || part === 'detector' ? [] : ['preprocessor_config.json']),
      ]);
    },
  );

  it("keep an ONNX file only if its outputs equal the model's", async () => {
    const wrong = changedEngine(
      (_, outputs) =>
        Object.fromEntries(
          Object.entries(outputs).map(([name, data]) => [name, data.map((x) => x * 1.001)]),
        ) as Values,
    );
    const path = await checkpointOf('as in MAE');
    const output = join(folder, 'wrong', 'inner');
    await expect(exportModel(path, { format: 'onnx', output, engine: wrong })).rejects.toThrow(
      /the exported model must give the outputs of the model within 0.0001, got a difference of 0.0/,
    );
    expect(await readdir(join(folder, 'wrong'))).toEqual([]);
  });

  it('have a card with the settings, and the measurements up to the checkpoint', async () => {
    const run = newFolder();
    await mkdir(join(run, 'checkpoints'), { recursive: true });
    const path = join(run, 'checkpoints', 'step-00000012.safetensors');
    await cases['as in MAE']!.write(path, rng(seed));
    const rows = [
      { step: 4, epoch: 1, loss: 3, lr: 0.1, heldOutLoss: 0.9, knn: { features: 0.25, train: 10 } },
      { step: 12, epoch: 3, loss: 1, lr: 0.1, heldOutLoss: 0.8125 },
      { step: 16, epoch: 4, loss: 1, lr: 0.1, heldOutLoss: 0.1234 },
    ];
    await writeFile(join(run, 'metrics.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const { folder } = await exportModel(path, { format: 'timm', output: newFolder() });
    const card = await readFile(join(folder, 'README.md'), 'utf8');
    expect(card).toContain('| `heldOutLoss` | 0.8125 | 12 |');
    expect(card).toContain('| `knn.features` | 0.25 | 4 |');
    expect(card).not.toContain('0.1234');
    expect(card).not.toContain('`loss`');
    expect(card).toContain('| pretext task | masked, mask ratio 0.75 |');
    expect(card).toContain('"source": "images"');
    expect(card).not.toContain('somebody');
    expect(card).toContain('arXiv:2203.14313');
    expect(card).toMatch(/^---\n# license: /);
  });

  it('have a card of a linear probe with its own settings, not those of fine-tuning', async () => {
    const run = newFolder();
    await mkdir(join(run, 'checkpoints'), { recursive: true });
    const path = join(run, 'checkpoints', 'best.safetensors');
    const settings = {
      recipe: 'linprobe',
      from: '/somewhere/base',
      model: { image: [8, 8] as [number, number], patch: 4, width: 12, depth: 1, heads: 3, fcNorm: false },
    };
    await randomClassifier(path, rng(seed), settings, ['a', 'b']);
    const probe = {
      kind: 'linprobe',
      from: '/somewhere/base',
      data: 'classes:/home/somebody/cats',
      epochs: 90,
    };
    await writeFile(join(run, 'config.json'), JSON.stringify(probe));
    const { folder } = await exportModel(path, { format: 'timm', output: newFolder() });
    const card = await readFile(join(folder, 'README.md'), 'utf8');
    expect(card).toContain('| trained | a linear head; the encoder stayed as it was |');
    expect(card).toContain('| started from | base |');
    expect(card).toContain('"data": "classes:cats"');
    for (const word of ['mixup', 'images of an update', 'some']) expect(card).not.toContain(word);
    expect(card).toContain('No measurements come with these weights.');
  });

  it.each<[string, string, Partial<ExportOptions>, string]>([
    [
      'a model without a class token for transformers',
      'as in the paper, not square',
      { format: 'huggingface' },
      'a ViT of transformers has a class token, got a model without one: export it with --format timm or --format onnx',
    ],
    [
      'a head on the mean of the patches for transformers',
      'class token left out of the mean, norm before it',
      { format: 'huggingface' },
      'ViTForImageClassification reads the class token, got a classifier that reads the mean of the patches',
    ],
    [
      'a classifier of a file without a head',
      'as in MAE',
      { part: 'classifier' },
      'a classifier needs weights of a head, got',
    ],
    [
      'an autoencoder of a file without a decoder',
      'fine-tuned, class token',
      { format: 'huggingface', part: 'autoencoder' },
      'an autoencoder needs weights of a decoder, got',
    ],
    [
      'an autoencoder for timm',
      'as in MAE',
      { part: 'autoencoder' },
      'the format timm takes the parts features and classifier, got "autoencoder"',
    ],
    [
      'an unknown format',
      'as in MAE',
      { format: 'onxn' as 'onnx' },
      'a format must be one of timm, huggingface, onnx, got "onxn" (did you mean "onnx"?)',
    ],
  ])('refuse %s, and leave nothing', async (_, name, options, message) => {
    const path = await checkpointOf(name);
    const before = await readdir(folder);
    const output = newFolder();
    await expect(exportModel(path, { format: 'timm', output, ...options })).rejects.toThrow(message);
    expect(await readdir(folder)).toEqual(before);
    expect(existsSync(output)).toBe(false);
  });

  it('take heads from the caller where a file does not tell them', async () => {
    const path = await checkpointOf('as in MAE');
    const { folder } = await exportModel(path, { format: 'timm', output: newFolder() });
    const alone = join(folder, 'model.safetensors');
    await rm(join(folder, 'config.json'));
    await writeSafetensors(alone, (await readSafetensors(alone)).tensors);
    const options = { format: 'onnx', output: newFolder(), engine: referenceEngine } as const;
    await expect(exportModel(alone, options)).rejects.toThrow('heads');
    const { check, folder: output } = await exportModel(alone, { ...options, heads: 3 });
    expect(check!.difference).toBeLessThan(1e-5);
    const card = await readFile(join(output, 'README.md'), 'utf8');
    expect(card).toContain('The weights come from `model.safetensors` (timm)');
    expect(card).toContain("assuming ImageNet's mean and deviation");
    expect(card).not.toContain(folder);
  });

  it('go to a new or empty folder only', async () => {
    const path = await checkpointOf('as in MAE');
    const output = newFolder();
    await mkdir(output);
    await exportModel(path, { format: 'timm', output });
    await expect(exportModel(path, { format: 'timm', output })).rejects.toThrow(
      'an export needs a new or empty folder, got',
    );
    await expect(exportModel(path, { format: 'timm', output: path })).rejects.toThrow(
      'is a file: choose another name',
    );
  });

  it('stop between stages when they are asked to', async () => {
    const path = await checkpointOf('as in MAE');
    const before = await readdir(folder);
    const stop = new AbortController();
    const onProgress = (what: string) => what === 'comparing with the model' && stop.abort('enough');
    const options = { format: 'onnx', output: newFolder(), engine: referenceEngine, onProgress } as const;
    await expect(exportModel(path, { ...options, signal: stop.signal })).rejects.toBe('enough');
    expect(await readdir(folder)).toEqual(before);
  });
});
