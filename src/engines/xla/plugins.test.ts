import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { adviceFor, examineXla } from './doctor.ts';
import { checkMemory } from './memory-check.ts';
import { NoDeviceError, openFoundXla } from './open-found.ts';
import { findPlugins, platformOf } from './plugins.ts';

const folder = temporaryFolder();

function put(...path: string[]): string {
  const file = join(folder, ...path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
  return file;
}

it('finds plugins in the order in which they are preferred', async () => {
  const cpu = put('cache', 'cpu', 'lammps_jax_pjrt_cpu', 'pjrt_c_api_cpu_plugin.so');
  const cuda = put('cache', 'cuda13', 'jax_plugins', 'xla_cuda13', 'xla_cuda_plugin.so');
  put('cache', 'cuda13', 'jax_plugins', 'xla_cuda13', '__init__.py');
  const rocm = put(
    'venv',
    'lib',
    'python3.12',
    'site-packages',
    'jax_plugins',
    'xla_rocm7',
    'xla_rocm_plugin.so',
  );
  const tpu = put('venv', 'lib', 'python3.12', 'site-packages', 'libtpu', 'libtpu.so');
  const places = { cache: join(folder, 'cache'), env: { VIRTUAL_ENV: join(folder, 'venv') } };
  const found = await findPlugins(places);
  expect(found.map(({ path }) => path)).toEqual([rocm, tpu, cuda, cpu]);
  expect(found.map(({ platform }) => platform)).toEqual(['rocm', 'tpu', 'cuda', 'cpu']);
  expect(found.map(({ origin }) => origin)).toEqual([
    ...Array(2).fill('Python environment'),
    'cache',
    'cache',
  ]);
  const named = { ...places, env: { ...places.env, BEYOND_MASKING_PJRT_PLUGIN: '/mine.so' } };
  expect((await findPlugins(named)).map(({ path }) => path)).toEqual(['/mine.so']);
  expect(await findPlugins({ env: {}, cache: join(folder, 'nothing') })).toEqual([]);
});

it('knows the platform by the names of the file and its package alone, and leaves unfinished setups out', async () => {
  const cpu = put('output', 'cpu', 'lammps_jax_pjrt_cpu', 'pjrt_c_api_cpu_plugin.so');
  put('output', '.cuda13-1234', 'jax_plugins', 'xla_cuda13', 'xla_cuda_plugin.so');
  const [found, ...others] = await findPlugins({ env: {}, cache: join(folder, 'output') });
  expect(found).toEqual({ path: cpu, platform: 'cpu', origin: 'cache' });
  expect(others).toEqual([]);
  expect(['/output/mine.so', '/x/libtpu.so', '/cpu/rocm/p.so'].map(platformOf)).toEqual([
    'other',
    'tpu',
    'rocm',
  ]);
});

it('takes no plugin for CPUs where accelerators alone are wanted, wherever it is', async () => {
  put('cpus', 'lib', 'python3.12', 'site-packages', 'lammps_jax_pjrt_cpu', 'pjrt_c_api_cpu_plugin.so');
  const places = { env: { VIRTUAL_ENV: join(folder, 'cpus') } };
  const error = await openFoundXla({ places, acceleratorsOnly: true }).catch((e: Error) => e);
  expect(error).toBeInstanceOf(NoDeviceError);
  expect((error as NoDeviceError).failures).toEqual([]);
  const tried = await openFoundXla({ places }).catch((e: Error) => e);
  expect((tried as NoDeviceError).failures).toHaveLength(1);
});

it('names the missing part if no plugin works', async () => {
  await expect(openFoundXla({ places: { env: {}, cache: join(folder, 'nothing') } })).rejects.toThrow(
    /needs a PJRT plugin with a device, got none\n.*setup cuda13/,
  );
  const places = { env: {}, cache: join(folder, 'cache') };
  const error = await openFoundXla({ places }).catch((e: Error) => e);
  expect((error as Error).message).toContain('pjrt_c_api_cpu_plugin.so: a plugin must be a shared library');
  const report = await examineXla(places);
  expect(report.plugins.map(({ works }) => works)).toEqual([undefined, undefined]);
  await expect(openFoundXla({ places: { env: { BEYOND_MASKING_PJRT_PLUGIN: '/mine.so' } } })).rejects.toThrow(
    'got /mine.so',
  );
});

it('advises the one command that is missing', () => {
  const plugin = { path: 'p.so', platform: 'cuda', origin: 'cache' } as const;
  const working = { ...plugin, works: { version: '0.115', platform: 'cuda', devices: ['H100'] } };
  const onCpu = { ...plugin, works: { version: '0.115', platform: 'cpu', devices: ['cpu'] } };
  expect(adviceFor(false, [], [])).toContain('npm install koffi');
  expect(adviceFor(true, ['H100'], [])).toContain('beyond-masking setup cuda13');
  expect(adviceFor(true, ['H100'], [onCpu])).toContain('beyond-masking setup cuda13');
  expect(adviceFor(true, ['H100'], [working])).toBeUndefined();
  expect(adviceFor(true, [], [onCpu])).toBeUndefined();
});

it('refuses a step that cannot fit, and says what would', () => {
  const need = { arguments: 10e9, outputs: 9e9, aliased: 9e9, temporary: 140e9 };
  expect(() => checkMemory(need, { limit: 80e9 }, 512)).toThrow(
    "must fit into the device's memory of 80.0 GB, got 150.0 GB for 512 images; about 256 images at once would fit",
  );
  expect(() => checkMemory(need, { limit: 10e9 }, 512)).toThrow('not even one image');
  checkMemory(need, { limit: 160e9 }, 512);
  checkMemory(need, undefined, 512);
  checkMemory(undefined, { limit: 1 }, 512);
});
