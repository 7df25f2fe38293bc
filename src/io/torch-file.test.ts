import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dict, op, pickle, storage, tensor, tuple } from '../../tests/support/pickle.ts';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { readExpected, weightsFixture } from '../../tests/support/weights-fixture.ts';
import { type ZipPart, zip } from '../../tests/support/zip.ts';
import { elementCount, toFloat32 } from './dtypes.ts';
import { FileFormatError } from './file-format-error.ts';
import { openTensorFile } from './tensor-file.ts';

const folder = temporaryFolder();
const path = join(folder, 'a.pth');

/** Four floats in entry 0, for any pickle. */
const floats = { name: 'a/data/0', bytes: Buffer.from(Float32Array.of(1, 2, 3, 4).buffer) };

async function open(data: Buffer, parts: readonly ZipPart[] = [floats]) {
  writeFileSync(path, zip([{ name: 'a/data.pkl', bytes: data }, ...parts]));
  const file = await openTensorFile(path);
  return { file, tensors: await file.read([...file.tensors.keys()]) };
}

async function openZip(parts: readonly ZipPart[]) {
  writeFileSync(path, zip(parts));
  return openTensorFile(path);
}

const one = pickle(dict(op.text('w'), tensor(storage('0', 4), { shape: [2, 2], strides: [2, 1] })));

describe('a file that torch.save wrote', () => {
  it('gives tensors of all types and strides', async () => {
    const expected = await readExpected();
    const file = await openTensorFile(weightsFixture('views.pth'));
    expect(file.format).toBe('PyTorch');
    const names = [...file.tensors.keys()];
    expect(names).toEqual(
      expected.names.flatMap((name) => /^views\.(.*)/.exec(name)?.[1] ?? []).sort(order(names)),
    );
    for (const [name, tensor] of await file.read(names)) {
      expect(tensor.shape).toEqual(expected.shape(`views.${name}`));
      expect(tensor.data).toHaveLength(elementCount(tensor.shape));
      const values =
        tensor.dtype === 'I64' ? Float32Array.from(tensor.data as BigInt64Array, Number) : toFloat32(tensor);
      expect(values, name).toEqual(expected.float(`views.${name}`));
    }
  });

  it('gives the weights of a checkpoint, and plain options of its script', async () => {
    const file = await openTensorFile(weightsFixture('mae.pth'));
    expect(file.tensors.get('decoder_embed.bias')).toEqual({ dtype: 'F32', shape: [16] });
    expect(file.others).toEqual(['optimizer', 'epoch', 'scaler']);
    expect(file.settings).toEqual({
      norm_pix_loss: true,
      input_size: 32,
      model: 'mae_vit',
      lr: 1e-3,
      resume: '',
    });
    const half = await openTensorFile(weightsFixture('wrapped.pth')); // under state_dict, by protocol 5
    expect([...half.tensors.values()].map(({ dtype }) => dtype)).toEqual(['F16', 'F16']);
  });

  it('is refused if it needs code, or has an old format', async () => {
    const module = openTensorFile(weightsFixture('module.pth'));
    await expect(module).rejects.toThrow('got "torch.nn.modules.linear.Linear"');
    const legacy = openTensorFile(weightsFixture('legacy.pth'));
    await expect(legacy).rejects.toThrow(
      /ZIP format of version 1\.6.*python -c "import torch; torch\.save\(/,
    );
  });
});

const order = (names: readonly string[]) => (a: string, b: string) => names.indexOf(a) - names.indexOf(b);

it('reads handwritten pickles', async () => {
  const { tensors } = await open(one);
  expect(tensors.get('w')).toEqual({ dtype: 'F32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) });
});

describe('code in a pickle', () => {
  const victim = join(folder, 'victim');
  const command = op.text(`touch ${victim}`);
  it.each<[string, Buffer]>([
    ['posix.system', Buffer.concat([op.global('posix', 'system'), op.text('x'), op.tuple1, op.reduce])],
    ['builtins.eval', Buffer.concat([op.text('builtins'), op.text('eval'), op.stackGlobal])],
    ['os.system', Buffer.concat([op.global('os', 'system'), tuple(command), op.newObject])],
    ['torch.load', op.global('torch', 'load')],
    [
      'torch._utils._rebuild_tensor_v2.__globals__',
      op.global('torch._utils', '_rebuild_tensor_v2.__globals__'),
    ],
    ['torch.constructor', op.global('torch', 'constructor')],
    ['__proto__.toString', op.global('__proto__', 'toString')],
    ['collections.namedtuple', op.global('collections', 'namedtuple')],
  ])('%s is refused by name', async (name, piece) => {
    await expect(open(pickle(dict(op.text('w'), piece)))).rejects.toThrow(
      `read as data, never run: it may name tensors, their types and plain containers only; save the weights alone, torch.save(model.state_dict(), FILE), got "${name}"`,
    );
    expect(existsSync(victim)).toBe(false);
  });

  it.each([
    ['INST', Buffer.from('(ios\nsystem\n')],
    ['OBJ', Buffer.from('(o')],
    ['EXT1', Buffer.from([0x82, 1])],
    ['an unknown operation', Buffer.from([0xff])],
  ])('%s is refused', async (_, piece) => {
    await expect(open(pickle(piece))).rejects.toThrow('known operations only');
  });
});

describe('a pickle without end', () => {
  const doubled = (levels: number) =>
    Buffer.concat([
      op.emptyList,
      ...Array.from({ length: levels }, () =>
        Buffer.concat([op.put(1), op.pop, op.emptyList, op.get(1), op.append, op.get(1), op.append]),
      ),
    ]);

  it.each<[string, Buffer, string]>([
    [
      'of nested lists',
      Buffer.concat(Array.from({ length: 400_000 }, () => op.emptyList)),
      'a dict of tensors',
    ],
    ['of lists that double 200 times', doubled(200), 'a dict of tensors, got'],
    ['with such a list as a key', dict(doubled(200), op.none), 'must hold its weights, named tensors'],
    ['with such a list as a shape', tensorWith(doubled(200)), "a tensor's shape must be whole numbers"],
    [
      'that holds itself',
      Buffer.concat([op.emptyDict, op.put(0), op.text('model'), op.get(0), op.setItem]),
      'named tensors',
    ],
    [
      'of too many operations',
      Buffer.concat(Array.from({ length: 600_000 }, () => Buffer.concat([op.none, op.pop]))),
      'at most 1000000 operations',
    ],
  ])('%s', async (_, piece, message) => {
    const started = performance.now();
    await expect(open(pickle(piece))).rejects.toThrow(message);
    expect(performance.now() - started).toBeLessThan(30_000);
  });

  function tensorWith(shape: Buffer): Buffer {
    const args = tuple(storage('0', 4), op.int(0), shape, op.emptyTuple);
    return Buffer.concat([op.global('torch._utils', '_rebuild_tensor_v2'), args, op.reduce]);
  }
});

describe('a tensor', () => {
  const huge = 2 ** 40;
  it.each<[string, Parameters<typeof tensor>[1]]>([
    ['of a huge shape', { shape: [huge, huge], strides: [1, 1] }],
    ['of more elements than its storage', { shape: [5], strides: [1] }],
    ['that repeats elements without end', { shape: [huge], strides: [0] }],
    ['that begins behind its storage', { offset: 4, shape: [1], strides: [1] }],
    ['that ends behind its storage', { offset: 1, shape: [2, 2], strides: [2, 1] }],
    ['whose strides overflow', { shape: [2, 2], strides: [2 ** 52, 2 ** 52] }],
  ])('%s is refused', async (_, view) => {
    await expect(open(pickle(dict(op.text('w'), tensor(storage('0', 4), view))))).rejects.toThrow(
      'a tensor must lie in its storage of 4 elements and repeat none',
    );
  });

  it.each<[string, Buffer, string]>([
    [
      'with a negative stride',
      tensor(storage('0', 4), { shape: [4], strides: [-1] }),
      'strides must be whole numbers from 0',
    ],
    [
      'with a negative offset',
      tensor(storage('0', 4), { offset: -1, shape: [4], strides: [1] }),
      'offset must be a whole number',
    ],
    [
      'with strides of other axes',
      tensor(storage('0', 4), { shape: [4], strides: [1, 1] }),
      'one for each axis',
    ],
    [
      'of 65 axes',
      tensor(storage('0', 4), { shape: Array(65).fill(1), strides: Array(65).fill(1) }),
      'shape must be',
    ],
    ['without a storage', tensor(op.none, { shape: [4], strides: [1] }), 'a tensor must have a storage'],
    [
      'without its storage',
      tensor(storage('1', 4), { shape: [4], strides: [1] }),
      'must have 16 bytes, got "none"',
    ],
    [
      'whose storage is said to be larger',
      tensor(storage('0', huge), { shape: [4], strides: [1] }),
      `must have ${(4 * huge).toLocaleString('en-US')} bytes, got 16`,
    ],
  ])('%s is refused', async (_, piece, message) => {
    await expect(open(pickle(dict(op.text('w'), piece)))).rejects.toThrow(message);
  });

  it('may share its storage with others, up to a limit of memory', async () => {
    const named = (i: number) => [op.text(`w${i}`), tensor(storage('0', 4), { shape: [4], strides: [1] })];
    const tied = await open(pickle(dict(...named(0), ...named(1))));
    expect(tied.tensors.get('w1')!.data).toEqual(tied.tensors.get('w0')!.data);
    const many = pickle(dict(...Array.from({ length: 3 }, (_, i) => named(i)).flat()));
    const large = { name: 'a/data/0', bytes: Buffer.alloc(4e6) };
    const shared = Array.from({ length: 5 }, (_, i) => [
      op.text(`w${i}`),
      tensor(storage('0', 1e6), { shape: [1e6], strides: [1] }),
    ]);
    await expect(open(many)).resolves.toBeDefined();
    await expect(open(pickle(dict(...shared.flat())), [large])).rejects.toThrow(
      'tensors that share storages',
    );
  });
});

describe('an archive', () => {
  const entry = { name: 'a/data.pkl', bytes: one };
  it.each<[string, ZipPart[], string]>([
    ['with packed entries', [entry, { ...floats, method: 8 }], 'must be stored as it is'],
    ['with encrypted entries', [entry, { ...floats, flags: 1 }], 'the archive must be whole'],
    [
      'with two entries of one name',
      [entry, floats, floats],
      'names in the archive must be unique, got "a/data/0"',
    ],
    ['with an entry beyond its end', [entry, { ...floats, size: 1e9 }], 'the archive must be whole'],
    [
      'with an entry that begins beyond its end',
      [entry, { ...floats, offset: 0xfffffff0 }],
      'the archive must be whole',
    ],
    ['with an entry that begins in another', [entry, { ...floats, offset: 3 }], 'the archive must be whole'],
    [
      'with a name that leaves its folder',
      [entry, { ...floats, name: '../../evil' }],
      'the archive must be whole',
    ],
    ['with an absolute name', [entry, { ...floats, name: '/etc/passwd' }], 'the archive must be whole'],
    ['without a pickle', [floats], "one 'data.pkl' in its folder"],
    ['with two pickles', [entry, { ...entry, name: 'b/data.pkl' }], "one 'data.pkl' in its folder"],
    [
      'of a big-endian machine',
      [entry, floats, { name: 'a/byteorder', bytes: Buffer.from('big') }],
      'byte order must be little',
    ],
    [
      'with a pickle of many MB',
      [{ ...entry, bytes: Buffer.alloc(16_000_001) }, floats],
      'at most 16000000 bytes',
    ],
  ])('%s is refused', async (_, parts, message) => {
    await expect(openZip(parts)).rejects.toThrow(message);
    await expect(openZip(parts)).rejects.toThrow(FileFormatError);
  });

  it('with 64-bit sizes and places is read', async () => {
    writeFileSync(path, zip([entry, floats], { wide: true }));
    const file = await openTensorFile(path);
    expect((await file.read(['w'])).get('w')!.data).toEqual(Float32Array.of(1, 2, 3, 4));
    writeFileSync(path, zip([entry, { ...floats, offset: 2 ** 60 }], { wide: true }));
    await expect(openTensorFile(path)).rejects.toThrow('the archive must be whole');
  });

  it('with 64-bit places that cannot be is refused', async () => {
    const archive = zip([entry, floats]);
    const locator = Buffer.alloc(20, 0xff);
    locator.writeUInt32LE(0x07064b50, 0);
    const end = archive.length - 22;
    writeFileSync(path, Buffer.concat([archive.subarray(0, end), locator, archive.subarray(end)]));
    await expect(openTensorFile(path)).rejects.toThrow('the archive must be whole');
  });

  it('that was cut short anywhere is refused', async () => {
    const archive = zip([entry, floats]);
    for (let length = 0; length < archive.length; length++) {
      writeFileSync(path, archive.subarray(0, length));
      await expect(openTensorFile(path), `${length} bytes`).rejects.toThrow(FileFormatError);
    }
  });
});
