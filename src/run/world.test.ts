import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../config/schema.ts';
import {
  aboutRank,
  engineOfRank,
  givenWorld,
  isWriter,
  launchedWorld,
  requireRanks,
  threadsOf,
} from './world.ts';

const world = { rank: 1, size: 4, localSize: 2 };

describe('the ranks of a run', () => {
  it.each([
    [{}, undefined],
    [{ OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '1' }, undefined],
    [{ SLURM_PROCID: '0', SLURM_NTASKS: '4' }, undefined],
    [
      { OMPI_COMM_WORLD_RANK: '1', OMPI_COMM_WORLD_SIZE: '4', OMPI_COMM_WORLD_LOCAL_SIZE: '2' },
      { rank: 1, size: 4, localSize: 2 },
    ],
    [
      { PMI_RANK: '1', PMI_SIZE: '4', MPI_LOCALNRANKS: '4' },
      { rank: 1, size: 4, localSize: 4 },
    ],
  ])('are those of the launcher: %o', (environment, expected) => {
    expect(launchedWorld(environment)).toEqual(expected);
  });

  it("are refused where npx has closed the launcher's connection", () => {
    const environment = { PMI_RANK: '1', PMI_SIZE: '4', PMI_FD: '999' };
    for (const closed of ['999', 'none']) {
      const message = 'which npx closes: start node_modules/.bin/beyond-masking in place of npx';
      expect(() => launchedWorld({ ...environment, PMI_FD: closed })).toThrow(message);
    }
    // One rank needs no connection.
    expect(launchedWorld({ ...environment, PMI_RANK: '0', PMI_SIZE: '1' })).toBeUndefined();
  });

  it("must have the launcher's own connection, not a file of the same number", async () => {
    const [file, server] = [openSync(fileURLToPath(import.meta.url), 'r'), createServer()];
    await new Promise<void>((resolve) => server.listen(0, resolve));
    const { fd } = (server as unknown as { readonly _handle: { readonly fd: number } })._handle;
    const environment = (descriptor: number) => ({ PMI_RANK: '1', PMI_SIZE: '4', PMI_FD: `${descriptor}` });
    expect(() => launchedWorld(environment(file))).toThrow('which npx closes');
    expect(launchedWorld(environment(fd))).toMatchObject({ rank: 1, size: 4 });
    closeSync(file);
    server.close();
  });

  it('are refused where mpirun does not say how many there are', () => {
    expect(() => launchedWorld({ PMI_PORT: 'host:1', PMI_ID: '0', MPI_LOCALNRANKS: '2' })).toThrow(
      'a rank must know the number of ranks, which mpirun -pmi-port does not say: leave -pmi-port out',
    );
  });

  it('are refused if their numbers contradict each other', () => {
    expect(() => launchedWorld({ PMI_RANK: '4', PMI_SIZE: '4' })).toThrow('got PMI_RANK=4 and PMI_SIZE=4');
    expect(() => givenWorld({ rank: 2, size: 2 })).toThrow('got rank 2 of 2');
    expect(() => givenWorld({ rank: -1, size: 2 })).toThrow('got rank -1 of 2');
    expect(() => givenWorld({ rank: 0, size: 2, localSize: 3 })).toThrow('got 3 on this host');
  });

  it('may be given by a program', () => {
    expect(givenWorld({ rank: 1, size: 2 })).toEqual({ rank: 1, size: 2, localSize: 1 });
    expect(givenWorld({ rank: 0, size: 1 })).toBeUndefined();
  });

  it('have one writer', () => {
    expect([undefined, { ...world, rank: 0 }, world].map(isWriter)).toEqual([true, true, false]);
    expect(aboutRank(world)).toContain(`rank 1 of 4 is process ${process.pid} on `);
  });
});

describe("a rank's engine", () => {
  it.each([
    // [ranks on the host, cores of the host, cores that the rank may use, threads]
    [1, 8, 8, 8],
    [2, 8, 8, 4],
    [3, 8, 8, 2],
    [16, 8, 8, 1],
    [2, 8, 4, 4],
    [2, 2, 1, 1],
    [2, 8, 6, 3],
  ])('of %i on %i cores, %i of them its own, has %i threads', (localSize, host, available, threads) => {
    expect(threadsOf({ ...world, localSize }, { host, available }, {})).toBe(threads);
  });

  it("has the threads that Slurm's job orders, as far as there are cores", () => {
    const cores = { host: 64, available: 8 };
    expect(threadsOf(world, cores, { SLURM_CPUS_PER_TASK: '2' })).toBe(2);
    expect(threadsOf(world, cores, { SLURM_CPUS_PER_TASK: '16' })).toBe(8);
  });

  const settings = (engine: object) => parseConfig({ engine }).engine;

  it('keeps a number of threads that is given', () => {
    const cores = { host: 8, available: 8 };
    expect(engineOfRank(settings({ name: 'onnx' }), world, cores)).toMatchObject({ threads: 4 });
    expect(engineOfRank(settings({ name: 'auto' }), world, cores)).toMatchObject({ threads: 4 });
    expect(engineOfRank(settings({ name: 'onednn', threads: 7 }), world, cores)).toMatchObject({
      threads: 7,
    });
  });

  it.each(['wasm', 'reference', 'xla'])('must not be %s', (name) => {
    const message = `the engine of ranks must be one of onednn, onnx, got ${name}: --engine onednn`;
    expect(() => engineOfRank(settings({ name }), world)).toThrow(message);
    expect(() => requireRanks(name)).toThrow(message);
  });
});
