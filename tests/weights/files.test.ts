import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileFormatError } from '../../src/io/file-format-error.ts';
import { readSafetensors, writeSafetensors } from '../../src/io/safetensors.ts';
import { openTensorFile } from '../../src/io/tensor-file.ts';
import { openModel } from '../../src/weights/model.ts';
import { foreignFixture } from '../support/foreign-fixture.ts';
import { seed } from '../support/random.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { weightsFixture } from '../support/weights-fixture.ts';

const folder = temporaryFolder();

describe('a file that holds no weights is called by its name, with what to do', () => {
  it.each([
    ['lfs.safetensors', 'run git lfs pull, or download the file from its page, got "a pointer of Git LFS"'],
    ['page.pth', 'a server answered with a page instead of the weights'],
    ['model.h5', 'got "an HDF5 file (Keras, TensorFlow)"'],
    ['model.onnx', 'got "an ONNX model"'],
    ['anonymous.onnx', 'got "an ONNX model"'],
    ['picture.png', 'got "a picture (PNG)"'],
    ['picture.jpg', 'got "a picture (JPEG)"'],
    ['picture.gif', 'got "a picture (GIF)"'],
    ['picture.webp', 'got "a picture (WebP)"'],
    ['picture.bmp', 'got "a picture (BMP)"'],
    ['picture.tiff', 'got "a picture (TIFF)"'],
    ['script.pt', 'torch.jit.load(FILE).state_dict(), OTHER), got "a program of TorchScript"'],
    ['array.npy', 'got "a NumPy array"'],
    ['arrays.npz', 'unpack any other archive and give the file of weights in it, got ["w.npy"]'],
    ['packed.zip', 'unpack any other archive and give the file of weights in it, got ["model.safetensors"]'],
    ['weights.gz', 'unpack it and give the file of weights in it, got "a gzip archive"'],
    ['weights.bz2', 'got "a bzip2 archive"'],
    ['weights.xz', 'got "an xz archive"'],
    ['weights.tar', 'got "a tar archive"'],
    ['plain.pkl', 'got "a pickle that torch.save did not write"'],
    ['config.json', 'give the file of weights next to it, or their folder, got "JSON"'],
    ['list.json', 'got "JSON"'],
    ['readme.txt', 'got "text"'],
    ['empty.pth', 'download the file again, or write it again, got "an empty file"'],
    ['short.pth', 'download the file again, got "3 bytes"'],
  ])('%s', async (name, message) => {
    const opened = openModel(foreignFixture(`no-weights/${name}`));
    await expect(opened).rejects.toThrow(message);
    await expect(opened).rejects.toThrow(FileFormatError);
  });

  it('a folder, and one with several files', async () => {
    await expect(openTensorFile(folder)).rejects.toThrow('name a file in it, got "a folder"');
    const several = await mkdtemp(join(folder, 'several-'));
    await expect(openModel(several)).rejects.toThrow('is model.safetensors or pytorch_model.bin');
    for (const name of ['a.safetensors', 'b.safetensors'])
      await cp(weightsFixture('timm-mean.safetensors'), join(several, name));
    await expect(openModel(several)).rejects.toThrow('a.safetensors, b.safetensors: name one of them');
    await rm(join(several, 'a.safetensors'));
    expect((await openModel(several, { heads: 2 })).source).toBe('timm');
  });

  it('a file that was cut short', async () => {
    const whole = await readFile(weightsFixture('timm-mean.safetensors'));
    const path = join(folder, 'cut.safetensors');
    for (const length of [12, 200, whole.length - 1]) {
      await writeFile(path, whole.subarray(0, length));
      await expect(openModel(path), `${length} bytes`).rejects.toThrow('must be whole');
    }
    await writeFile(path, (await readFile(weightsFixture('mae.pth'))).subarray(0, -1));
    await expect(openModel(path)).rejects.toThrow('must be whole; download or write it again');
  });

  it('noise', async () => {
    const path = join(folder, 'noise.pth');
    await writeFile(path, Buffer.from(Array.from({ length: 64 }, (_, i) => 0x80 + ((i * 37 + seed) % 0x7f))));
    await expect(openModel(path), `seed ${seed}`).rejects.toThrow(FileFormatError);
  });
});

describe('a checkpoint with everything that torch.load takes as weights', () => {
  it.each(['everything-2.pth', 'everything-4.pth'])('%s is read as data', async (name) => {
    const file = await openTensorFile(foreignFixture(name));
    const tensors = await file.read(['weight', 'parameter', 'attributed', 'unsigned']);
    expect(tensors.get('weight')!.data).toEqual(Float32Array.of(0, 1, 2, 3, 4, 5));
    expect(tensors.get('parameter')!.data).toEqual(Float32Array.of(1, 1));
    expect(tensors.get('attributed')!.data).toEqual(Float32Array.of(1, 1));
    expect(tensors.get('unsigned')).toMatchObject({ dtype: 'U16', data: Uint16Array.of(0, 1, 2, 3) });
    expect([...file.tensors.keys()]).toEqual(['weight', 'parameter', 'attributed', 'unsigned']);
    for (const other of ['counter', 'set', 'bytes', 'bytearray', 'complex', 'large', 'layout', 'schedulers'])
      expect(file.others).toContain(other);
    for (const other of ['complex tensor', 'eight bits', 'sparse', 'rows', 'quantised', 'meta'])
      expect(file.others).toContain(`model.${other}`);
  });
});

describe('weights that are not finite', () => {
  it.each([
    ['timm-token.safetensors', 'blocks.0.mlp.fc1.bias', Number.NaN],
    ['timm-token.safetensors', 'cls_token', Number.POSITIVE_INFINITY],
    [
      'hf-vit/model.safetensors',
      'vit.encoder.layer.1.attention.attention.value.weight',
      Number.NEGATIVE_INFINITY,
    ],
    ['timm-mean.safetensors', 'pos_embed', Number.NaN],
  ])('%s: %s is named', async (fixture, name, value) => {
    const copy = await mkdtemp(join(folder, 'broken-'));
    if (fixture.startsWith('hf')) await cp(weightsFixture('hf-vit/config.json'), join(copy, 'config.json'));
    const { tensors } = await readSafetensors(weightsFixture(fixture));
    const data = tensors.get(name)!.data as Float32Array;
    data[3] = value;
    const later = [...tensors.keys()].slice([...tensors.keys()].indexOf(name) + 1);
    for (const each of later) tensors.get(each)!.data.fill(Number.NaN as never); // the first in the file is named
    const path = join(copy, 'model.safetensors');
    await writeSafetensors(path, tensors);
    const opened = openModel(path, { heads: 2 });
    await expect(opened).rejects.toThrow(
      `tensor ${name} must hold finite numbers; if the run diverged, take an earlier checkpoint, got "${value} at place 3 of ${data.length}"`,
    );
    await expect(opened).rejects.toThrow(FileFormatError);
  });
});

describe('weights in several files', () => {
  it.each(['hf-sharded', 'hf-sharded-bin'])('%s is opened as one', async (name) => {
    const whole = await openModel(foreignFixture('hf-multi-label'));
    const model = await openModel(foreignFixture(name));
    expect(model.weights).toEqual(whole.weights);
    expect(model.classes).toEqual(['ant', 'bee', 'cow']);
    const index = (await readdir(foreignFixture(name))).find((file) => file.endsWith('.index.json'))!;
    expect((await openModel(join(foreignFixture(name), index))).weights).toEqual(whole.weights);
  });

  it('needs all of them, and an index that names files beside it', async () => {
    const copy = await mkdtemp(join(folder, 'shards-'));
    await cp(foreignFixture('hf-sharded'), copy, { recursive: true });
    const index = join(copy, 'model.safetensors.index.json');
    const json = JSON.parse(await readFile(index, 'utf8'));
    const [first, last] = [...new Set<string>(Object.values(json.weight_map))].sort();
    await rm(join(copy, last!));
    await expect(openModel(copy)).rejects.toThrow(`download ${last} too`);
    await cp(join(copy, first!), join(copy, last!));
    await expect(openModel(copy)).rejects.toThrow(`${last} must hold tensor`);
    for (const name of ['../other.safetensors', '/etc/passwd', '..', 7, 'more.index.json']) {
      await writeFile(index, JSON.stringify({ weight_map: { w: name } }));
      await expect(openModel(copy)).rejects.toThrow('a weight_map from tensors to files in its folder');
    }
    await writeFile(index, '{}');
    await expect(openModel(copy)).rejects.toThrow(
      'a weight_map from tensors to files in its folder, got "none"',
    );
  });
});
