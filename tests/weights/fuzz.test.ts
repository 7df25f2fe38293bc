import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { elementCount } from '../../src/io/dtypes.ts';
import { FileFormatError } from '../../src/io/file-format-error.ts';
import { openTensorFile } from '../../src/io/tensor-file.ts';
import { zipEntries } from '../../src/io/zip-entries.ts';
import { type Rng, rng } from '../../src/random/rng.ts';
import { openModel } from '../../src/weights/model.ts';
import { seed } from '../support/random.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { weightsFixture } from '../support/weights-fixture.ts';
import { zip } from '../support/zip.ts';

const folder = temporaryFolder();
/** What memory may grow by; the files have 0.1 MB at most. */
const MAX_GROWTH = 150e6;

/** Files that are open at a time: most of the time is spent waiting for the system. */
const LANES = 8;

const NUMBERS = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const WORDS = [
  '-1',
  '1e308',
  'null',
  '{}',
  '[]',
  '9007199254740993',
  '""',
  '0',
  '1.5',
  ',',
  '"gelu"',
  '99999999',
  'true',
];

/** One to three changes of bytes between `begin` and `end`. */
function mutate(file: Buffer, random: Rng, begin: number, end: number): Buffer {
  let bytes = Buffer.from(file);
  for (let n = 1 + random.int(3); n > 0; n--) {
    const at = begin + random.int(Math.max(1, Math.min(end, bytes.length) - begin));
    switch (random.int(8)) {
      case 0:
      case 1:
        bytes[at]! ^= 1 << random.int(8);
        break;
      case 2:
        bytes[at] = random.int(256);
        break;
      case 3: // a number of 4 bytes
        if (at + 4 <= bytes.length) bytes.writeUInt32LE(NUMBERS[random.int(NUMBERS.length)]!, at);
        break;
      case 4: // a piece copied over another
        bytes.copy(
          bytes,
          at,
          begin + random.int(at - begin + 1),
          Math.min(bytes.length, at + random.int(40)),
        );
        break;
      case 5: // a piece cut out
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.int(16))]);
        break;
      case 6: // a piece put in
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.alloc(1 + random.int(16), random.int(256)),
          bytes.subarray(at),
        ]);
        break;
      default:
        if (random.int(4) === 0) bytes = bytes.subarray(0, at);
    }
  }
  return bytes;
}

/** A number or word of JSON replaced. */
function mutateJson(text: string, random: Rng): string {
  const tokens = [...text.matchAll(/-?\d[\d.e-]*|"[^"]*"|true|false|[[\]{},:]/g)];
  const { 0: token, index } = tokens[random.int(tokens.length)]!;
  return `${text.slice(0, index)}${WORDS[random.int(WORDS.length)]}${text.slice(index + token.length)}`;
}

/**
 * Mutations of a file, some at a time: all end in a correct reading or a clear error, quickly, and without much memory.
 * `place` makes the path of one of those at a time.
 */
async function fuzz(
  name: string,
  count: number,
  make: (random: Rng) => Buffer,
  open: (path: string) => Promise<void>,
  place: (lane: number) => string = (lane) => join(folder, `${lane}-${name}`),
) {
  const memory = () => process.memoryUsage.rss() + process.memoryUsage().arrayBuffers; // touched, and asked for
  const base = memory();
  let [next, read, slowest, most] = [0, 0, 0, 0];
  const work = async (path: string) => {
    while (next < count) {
      const i = next++;
      writeFileSync(path, make(rng(seed, name, i)));
      const started = performance.now();
      try {
        await open(path);
        read++;
      } catch (error) {
        if (!(error instanceof FileFormatError))
          throw new Error(`seed ${seed}, ${name} ${i}`, { cause: error });
        expect(error.message.length).toBeLessThan(2000);
      }
      slowest = Math.max(slowest, performance.now() - started);
      most = Math.max(most, memory() - base);
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_, lane) => work(place(lane))));
  const all = `seed ${seed}, ${read} of ${count} read, ${slowest} ms, ${most} bytes`;
  expect(read, all).toBeGreaterThan(0);
  expect(read, all).toBeLessThan(count * 0.9);
  expect(slowest, all).toBeLessThan(30_000); // ms; usually 20
  expect(most, all).toBeLessThan(MAX_GROWTH);
  mutations += count;
}

let mutations = 0;
afterAll(() => expect(mutations).toBeGreaterThanOrEqual(10_000));

async function readAll(path: string): Promise<void> {
  const file = await openTensorFile(path);
  for (const { shape, data } of (await file.read([...file.tensors.keys()])).values())
    expect(data).toHaveLength(elementCount(shape));
}

async function openWith(heads: number, decoderHeads: number, path: string): Promise<void> {
  const { weights, report } = await openModel(path, { heads, decoderHeads });
  expect(Object.keys(weights).length).toBeGreaterThan(10);
  expect(report.tensors.length).toBeGreaterThan(10);
}

const archive = readFileSync(weightsFixture('views.pth'));
const wrapped = readFileSync(weightsFixture('wrapped.pth'));

it('bytes of .pth archives', async () => {
  await fuzz('bytes.pth', 500, (random) => mutate(archive, random, 0, archive.length), readAll);
  const directory = wrapped.indexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02]));
  await fuzz('directory.pth', 3000, (random) => mutate(wrapped, random, directory, wrapped.length), readAll);
});

it('pickles in whole archives', async () => {
  const made = async (name: string) => {
    const [first, ...others] = await stored(weightsFixture(name));
    return (random: Rng) =>
      zip([{ ...first!, bytes: mutate(first!.bytes, random, 0, first!.bytes.length) }, ...others]);
  };
  await fuzz('pickle.pth', 3500, await made('views.pth'), readAll);
  await fuzz('model.pth', 300, await made('mae.pth'), (path) => openWith(3, 2, path));
});

it('headers of safetensors', async () => {
  const file = readFileSync(weightsFixture('timm-token.safetensors'));
  const header = 8 + Number(file.readBigUInt64LE(0));
  await fuzz(
    'header.safetensors',
    1200,
    (random) => mutate(file, random, 0, header),
    (path) => openWith(2, 2, path),
  );
  const words = (random: Rng) => {
    const json = mutateJson(file.toString('latin1', 8, header), random);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    return Buffer.concat([length, Buffer.from(json, 'latin1'), file.subarray(header)]);
  };
  await fuzz('words.safetensors', 1200, words, (path) => openWith(2, 2, path));
});

it('settings of Hugging Face', async () => {
  const weights = readFileSync(weightsFixture('hf-vit/model.safetensors'));
  const config = readFileSync(weightsFixture('hf-vit/config.json'), 'utf8');
  const place = (lane: number) => {
    mkdirSync(join(folder, `hf-${lane}`));
    writeFileSync(join(folder, `hf-${lane}`, 'model.safetensors'), weights);
    return join(folder, `hf-${lane}`, 'config.json');
  };
  const mutated = (random: Rng) => Buffer.from(mutateJson(config, random));
  await fuzz('config.json', 300, mutated, (path) => openWith(3, 3, dirname(path)), place);
});

/** Entries of an archive that is whole, the pickle first. */
async function stored(path: string) {
  const bytes = readFileSync(path);
  const handle = await open(path);
  try {
    const entries = [...(await zipEntries(handle, bytes.length, path))];
    return entries
      .map(([name, { start, bytes: size }]) => ({ name, bytes: bytes.subarray(start, start + size) }))
      .sort((a, b) => Number(b.name.endsWith('data.pkl')) - Number(a.name.endsWith('data.pkl')));
  } finally {
    await handle.close();
  }
}
