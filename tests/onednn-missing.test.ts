import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../src/config/schema.ts';
import { openEngine } from '../src/run/engine.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const folder = temporaryFolder();

const open = (name: 'auto' | 'onednn', more = {}) =>
  openEngine(parseConfig({ engine: { name, threads: 1, ...more } }).engine);

describe('without oneDNN', () => {
  const before = process.env.LD_LIBRARY_PATH;
  beforeAll(() => {
    // Files of the library's names that are no libraries: what the engine's process finds first.
    for (const name of ['libdnnl.so.3', 'libdnnl.so.2']) writeFileSync(join(folder, name), 'not a library');
    process.env.LD_LIBRARY_PATH = folder;
  });
  afterAll(() => {
    if (before === undefined) delete process.env.LD_LIBRARY_PATH;
    else process.env.LD_LIBRARY_PATH = before;
  });

  it('auto takes onnx, and tells why in one line', async () => {
    const backend = await open('auto');
    expect(backend.name).toBe('onnx');
    expect((backend as { notice?: string }).notice).toBe(
      'the onednn engine needs oneDNN (libdnnl.so.3 or libdnnl.so.2); on Debian and Ubuntu: ' +
        'sudo apt-get install libdnnl2. The onnx engine runs instead.',
    );
  });

  it('auto refuses what onnx does not have either', async () => {
    await expect(open('auto', { precision: 'bf16' })).rejects.toThrow('sudo apt-get install libdnnl2');
  });

  it('the engine asked for by name is refused with the command that installs it', async () => {
    await expect(open('onednn')).rejects.toThrow('sudo apt-get install libdnnl2');
  });
});

it('auto takes several devices on accelerators alone', async () => {
  const { engine } = parseConfig({
    engine: { name: 'auto', devices: 2 },
    training: { batchSize: 64, microBatch: 32 },
  });
  await expect(openEngine(engine)).rejects.toThrow('the xla engine needs a PJRT plugin with a device');
});
