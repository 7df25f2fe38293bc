import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { abiOf } from './abi.ts';
import { libraryCandidates } from './candidates.ts';
import { loadMpi } from './library.ts';

const folder = temporaryFolder();
const openMpi = { OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '2' };
const mpich = { PMI_RANK: '0', PMI_SIZE: '2' };

it("a launcher's library is tried before others", () => {
  expect(libraryCandidates(openMpi)).toEqual([
    'libmpi.so.40',
    'libmpi_abi.so.1',
    'libmpi.so.12',
    'libmpich.so.12',
  ]);
  expect(libraryCandidates(mpich).slice(0, 2)).toEqual(['libmpi.so.12', 'libmpich.so.12']);
  expect(libraryCandidates({})[0]).toBe('libmpi_abi.so.1');
  expect(libraryCandidates({ ...mpich, BEYOND_MASKING_MPI: '/opt/mine.so' })).toEqual(['/opt/mine.so']);
});

it("an installation's own library comes first", () => {
  const [intel, open] = [join(folder, 'intel'), join(folder, 'open')];
  for (const [root, file] of [
    [intel, 'lib/release/libmpi.so.12'],
    [open, 'lib64/libmpi.so.40'],
  ] as const) {
    mkdirSync(join(root, file, '..'), { recursive: true });
    copyFileSync(process.execPath, join(root, file));
  }
  const environment = { I_MPI_ROOT: intel, OPAL_PREFIX: open };
  expect(libraryCandidates({ ...mpich, ...environment })[0]).toBe(join(intel, 'lib/release/libmpi.so.12'));
  expect(libraryCandidates({ ...openMpi, ...environment })[0]).toBe(join(open, 'lib64/libmpi.so.40'));
});

it('a missing library is refused with the command that installs it', async () => {
  await expect(loadMpi(['libno-mpi.so', '/nowhere/libno-mpi.so'])).rejects.toThrow(
    /^ranks need the library of MPI \(libno-mpi\.so\), which is not found: Debian, Ubuntu: sudo apt-get install openmpi-bin; .*BEYOND_MASKING_MPI/,
  );
});

it.skipIf(process.platform === 'win32')('another library is refused with the reason', async () => {
  await expect(loadMpi([process.execPath])).rejects.toThrow('ranks need a library of MPI that loads, got');
});

it('an interface is known by its variables and the version that it reports', () => {
  const none = () => undefined;
  const address = (variable: string) => BigInt(variable.length);
  expect(abiOf({ address, standardVersion: undefined })).toMatchObject({ handle: 'void *', world: 19n });
  expect(abiOf({ address: none, standardVersion: undefined })).toMatchObject({ handle: 'int' });
  expect(abiOf({ address: none, standardVersion: -1 })).toMatchObject({ handle: 'int' });
  expect(abiOf({ address: none, standardVersion: 1 })).toMatchObject({ handle: 'void *', world: 0x101n });
});
