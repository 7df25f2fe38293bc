import { expect, it } from 'vitest';
import { startRanks } from '../support/mpi-launchers.ts';

it.skipIf(process.platform !== 'linux')(
  'a process ends while one of its threads waits in a library',
  async () => {
    const { status, output, milliseconds } = await startRanks(undefined, 1, ['waiting-thread.mjs', 7]);
    expect({ status, output }).toEqual({ status: 7, output: 'ends with 7\n' });
    expect(milliseconds).toBeLessThan(30_000);
  },
);
