import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../../tests/support/temporary-folder.ts';
import { cpuPlugin, openCpuXla } from '../../../../tests/support/xla.ts';
import { broadcast, input, mul, program } from '../../../graph/index.ts';
import { programText } from '../run-program.ts';
import { Api } from './api.ts';
import { Client } from './client.ts';
import { packOptions, unpackTexts } from './client-options.ts';
import { functions, versionAt } from './layout.ts';
import { readTable, tableSize } from './library.ts';

/** The table of functions of a plugin of some version. */
function forged(version: [number, number], size = 1200): Uint8Array {
  const table = new Uint8Array(size);
  const view = new DataView(table.buffer);
  view.setBigUint64(0, BigInt(size), true);
  for (const offset of Object.values(functions))
    if (offset + 8 <= size) view.setBigUint64(offset, 4096n, true);
  view.setInt32(versionAt, version[0], true);
  view.setInt32(versionAt + 4, version[1], true);
  return table;
}

describe('plugins that cannot be used', () => {
  const folder = temporaryFolder();

  it('refuses a file that is not a library', async () => {
    await expect(Api.load(join(folder, 'nothing.so'))).rejects.toThrow(
      'must be a shared library that loads, got',
    );
    const text = join(folder, 'text.so');
    writeFileSync(text, 'not a library\n');
    await expect(Api.load(text)).rejects.toThrow(`must be a shared library that loads, got ${text}`);
  });

  it('refuses a library that is no plugin', async () => {
    const { report } = process;
    const loaded = (report!.getReport() as unknown as { sharedObjects: string[] }).sharedObjects;
    const math = loaded.find((path) => /libm[.-]/.test(path))!;
    await expect(Api.load(math)).rejects.toThrow('must export GetPjrtApi, which this library does not');
  });

  it('refuses another major version, a table without some functions, and other data', () => {
    expect(readTable(forged([0, 115]), 'p.so').version).toEqual([0, 115]);
    expect(() => readTable(forged([1, 2]), 'p.so')).toThrow(
      'must speak version 0 of the PJRT API, got 1.2: p.so',
    );
    expect(() => readTable(forged([0, 20], 400), 'p.so')).toThrow(
      /must have PJRT_\w+, got API 0\.20 without it/,
    );
    expect(() => tableSize(new Uint8Array(8), 'p.so')).toThrow('must have a plausible size, got 0 bytes');
    expect(() => tableSize(new Uint8Array(8).fill(255), 'p.so')).toThrow('must have a plausible size');
  });

  it("passes on the plugin's message if it finds no device", async () => {
    const api = await Api.load(await cpuPlugin());
    await expect(Client.create(api, { no_such_option: 1 })).rejects.toThrow('must find a device, got: ');
  });
});

describe('what XLA refuses', () => {
  it('is an exception with its message, and nothing is left behind', async () => {
    const { client } = await openCpuXla();
    const { live } = client.api;
    const before = { ...live };
    await expect(client.compile('module { nonsense }', { devices: [0] })).rejects.toThrow('nonsense');
    await expect(client.load(new Uint8Array(64), 1)).rejects.toThrow();
    expect(live).toEqual(before);
  });

  it('reports full memory, and stays usable', async () => {
    const session = await (await openCpuXla()).open({});
    const x = input('x', [1]);
    const four = 1 << 20; // terabytes
    const huge = program('huge', { y: broadcast(x, [four, four]) });
    const values = { x: Float32Array.of(3) };
    await expect(session.run(huge, values)).rejects.toThrow(
      /memory is full: Out of memory.*training\.microBatch/,
    );
    expect(await session.run(program('small', { y: mul(x, 2) }), values)).toEqual({ y: Float32Array.of(6) });
    await session.dispose();
  });
});

it('leaves the event loop free while it compiles', async () => {
  const { client } = await openCpuXla();
  const x = input('x', [32]);
  let y = x;
  for (let i = 0; i < 40; i++) y = broadcast(mul(y, mul(y, i)), [32]);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const executable = await client.compile(programText(program('deep', { y })), { devices: [0] });
  clearInterval(timer);
  executable.destroy();
  expect(turns).toBeGreaterThan(3);
});

it('reads texts among named values', async () => {
  const api = await Api.load(await cpuPlugin());
  const { bytes, count } = packOptions(api, {
    core_count: 132,
    compute_capability: '9.0',
    vendor: 'é',
    on: true,
  });
  expect(unpackTexts(api, api.koffi.address(bytes), count)).toEqual({
    compute_capability: '9.0',
    vendor: 'é',
  });
  expect(unpackTexts(api, 0n, 0)).toEqual({});
  const { client } = await openCpuXla();
  expect(client.devices[0]!.computeCapability).toBeUndefined();
});
