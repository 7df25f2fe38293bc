import { describe, expect, it } from 'vitest';
import { launched } from './launcher.ts';

describe('the world of a launcher', () => {
  // Variables as the programs set them (Open MPI 4.1.4, MPICH 4.0.2, Slurm 22.05).
  const openMpi = {
    OMPI_COMM_WORLD_LOCAL_RANK: '1',
    OMPI_COMM_WORLD_LOCAL_SIZE: '2',
    OMPI_COMM_WORLD_NODE_RANK: '1',
    OMPI_COMM_WORLD_RANK: '3',
    OMPI_COMM_WORLD_SIZE: '4',
    OMPI_UNIVERSE_SIZE: '4',
    PMIX_RANK: '3',
  };
  const hydra = { MPI_LOCALNRANKS: '2', MPI_LOCALRANKID: '0', PMI_FD: '8', PMI_RANK: '2', PMI_SIZE: '4' };
  const step = {
    SLURM_JOB_ID: '7',
    SLURM_LOCALID: '1',
    SLURM_NODEID: '1',
    SLURM_NTASKS: '7',
    SLURM_PROCID: '4',
    SLURM_STEP_ID: '0',
    SLURM_STEP_NUM_TASKS: '7',
    SLURM_STEP_TASKS_PER_NODE: '3,2(x2)',
  };
  // mpirun under Slurm starts one helper on each host by srun, whose variables the ranks inherit.
  const helpers = {
    SLURM_NODEID: '1',
    SLURM_NTASKS: '4',
    SLURM_PROCID: '1',
    SLURM_STEP_NUM_TASKS: '2',
    SLURM_STEP_TASKS_PER_NODE: '1(x2)',
  };
  const batchScript = { SLURM_JOB_ID: '7', SLURM_NODEID: '0', SLURM_NTASKS: '4', SLURM_PROCID: '0' };

  it.each([
    ['no launcher', { HOME: '/root' }, undefined],
    ['Open MPI', openMpi, { family: 'openmpi', rank: 3, size: 4, localSize: 2 }],
    ['MPICH or Intel MPI', hydra, { family: 'mpich', rank: 2, size: 4, localSize: 2 }],
    ['srun --mpi=pmix', { ...step, PMIX_RANK: '4' }, { family: 'openmpi', rank: 4, size: 7, localSize: 2 }],
    [
      'srun --mpi=pmi2',
      { ...step, PMI_RANK: '4', PMI_SIZE: '7', PMI_FD: '9' },
      { family: 'mpich', rank: 4, size: 7, localSize: 2 },
    ],
    ['srun without MPI', step, { family: 'openmpi', rank: 4, size: 7, localSize: 2 }],
    ['Open MPI in Slurm', { ...helpers, ...openMpi }, { family: 'openmpi', rank: 3, size: 4, localSize: 2 }],
    ['MPICH in Slurm', { ...helpers, ...hydra }, { family: 'mpich', rank: 2, size: 4, localSize: 2 }],
    ['a batch script outside of srun', batchScript, undefined],
    [
      'hosts that the launcher does not count',
      { PMI_RANK: '1', PMI_SIZE: '2' },
      { family: 'mpich', rank: 1, size: 2, localSize: 1 },
    ],
    ['one rank', { PMI_RANK: '0', PMI_SIZE: '1' }, { family: 'mpich', rank: 0, size: 1, localSize: 1 }],
  ])('%s', (_, environment, expected) => {
    expect(launched(environment)).toEqual(expected);
  });

  it.each([
    [{ PMI_RANK: '2', PMI_SIZE: '2' }, 'got PMI_RANK=2 and PMI_SIZE=2'],
    [{ PMI_RANK: 'one', PMI_SIZE: '2' }, 'got PMI_RANK=one and PMI_SIZE=2'],
    [{ OMPI_COMM_WORLD_RANK: '0.5', OMPI_COMM_WORLD_SIZE: '2' }, 'got OMPI_COMM_WORLD_RANK=0.5'],
    [{ PMI_RANK: '1', PMI_SIZE: '2', MPI_LOCALNRANKS: '3' }, 'got 3 on this host'],
  ])('refuses %o', (environment, message) => {
    expect(() => launched(environment)).toThrow(message);
  });
});
