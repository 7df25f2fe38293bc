import { describe, expect, it } from 'vitest';
import { isMissing } from '../support/libraries.ts';
import { launcherNames, startRanks } from '../support/mpi-launchers.ts';
import { seed } from '../support/random.ts';

describe.each(launcherNames)('sums on %s', (launcher) => {
  it.skipIf(isMissing(launcher))('equal those of plain loops, in slices and in place', async () => {
    const { status, output } = await startRanks(launcher, 3, ['sums.mjs', seed]);
    expect(status, `seed ${seed}: ${output}`).toBe(0);
    const rows = output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
    expect(rows.map(({ rank }) => rank).sort()).toEqual([0, 1, 2]);
    for (const { size, wrong, second, version } of rows) {
      expect({ size, wrong }, `seed ${seed}`).toEqual({ size: 3, wrong: [] });
      expect(second).toContain('a process can join the ranks of MPI once');
      expect(version).toContain(launcher);
    }
  });
});
