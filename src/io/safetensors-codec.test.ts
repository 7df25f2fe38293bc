import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withRandom } from '../../tests/support/random.ts';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { readSafetensors } from './safetensors.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors-codec.ts';

const folder = temporaryFolder();
const fixtures = 'tests/fixtures'; // written by the Python package safetensors
const names = readdirSync(fixtures).filter((name) => name.endsWith('.safetensors'));

test.each(names.slice(0, 5))('%s from its bytes and written again', async (name) => {
  const path = join(fixtures, name);
  const decoded = decodeSafetensors(readFileSync(path), path);
  expect(decoded).toEqual(await readSafetensors(path));
  const parts = encodeSafetensors(decoded.tensors, decoded.metadata);
  const bytes = Buffer.concat(
    parts.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength)),
  );
  // At an odd offset of a larger buffer, like a chunk of a download.
  const odd = new Uint8Array(bytes.length + 3).subarray(3);
  odd.set(bytes);
  expect(decodeSafetensors(odd, path).tensors).toEqual(new Map(decoded.tensors));
});

test('broken bytes are refused as broken files are, in the same words', async () => {
  const whole = readFileSync(join(fixtures, 'pieces.safetensors'));
  const cases: Buffer[] = [];
  withRandom(60, (random) => {
    const bytes = Buffer.from(whole.subarray(0, random.int(2) ? whole.length : random.int(whole.length)));
    if (bytes.length > 0) bytes[random.int(Math.min(200, bytes.length))] = random.int(256);
    cases.push(bytes);
  });
  for (const [i, bytes] of cases.entries()) {
    const path = join(folder, `${i}.safetensors`);
    writeFileSync(path, bytes);
    const said = await readSafetensors(path).then(String, String);
    let says: string;
    try {
      says = String(decodeSafetensors(bytes, path));
    } catch (error) {
      says = String(error);
    }
    expect(says, `${bytes.length} bytes: ${bytes.toString('hex', 0, 210)}`).toBe(said);
  }
});
