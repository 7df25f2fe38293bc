import { describe, expect, it } from 'vitest';
import { isMissing } from '../support/libraries.ts';
import { type LauncherName, launcherNames, startRanks } from '../support/mpi-launchers.ts';
import { childrenOf } from '../support/processes.ts';
import { seed } from '../support/random.ts';

const STEPS = 20;
const FOREVER = 1e6;

interface Trained {
  readonly rank: number;
  /** Loss and gradient norm of each step. */
  readonly rows: readonly (readonly [loss: number, norm: number])[];
  /** Digest of the weights and the optimizer's state. */
  readonly state: string;
}

async function train(engine: string, launcher?: LauncherName, ranks = 1): Promise<Trained[]> {
  const { status, output } = await startRanks(launcher, ranks, ['rank.mjs', engine, STEPS, seed]);
  expect(status, `seed ${seed}: ${output}`).toBe(0);
  const results = output.split('\n').filter((line) => line.startsWith('{'));
  return results.map((line) => JSON.parse(line) as Trained).sort((a, b) => a.rank - b.rank);
}

const cases = ['onednn', 'onnx'].flatMap((engine) =>
  launcherNames.map((launcher) => [`${engine} on ${launcher}`, engine, launcher] as const),
);

describe.each(cases)('ranks of %s', (_, engine, launcher) => {
  const test = it.skipIf(isMissing(launcher) || (engine === 'onednn' && isMissing('onednn')));

  test('train like one process, with the same bits on each of them and each time', async () => {
    const [alone] = await train(engine);
    const ranks = await train(engine, launcher, 2);
    expect(ranks.map(({ rank }) => rank)).toEqual([0, 1]);
    expect({ ...ranks[1], rank: 0 }, `seed ${seed}`).toEqual(ranks[0]);
    for (const [step, [loss, norm]] of ranks[0]!.rows.entries()) {
      const [expectedLoss, expectedNorm] = alone!.rows[step]!;
      expect(Math.abs(loss - expectedLoss), `loss of step ${step}, seed ${seed}`).toBeLessThan(1e-6);
      expect(Math.abs(norm / expectedNorm - 1), `norm of step ${step}, seed ${seed}`).toBeLessThan(1e-4);
    }
    expect(await train(engine, launcher, 2), `seed ${seed}`).toEqual(ranks);
  });

  test.each(engine === 'onednn' ? ['process', "engine's process"] : ['process'])(
    'end together when the %s of one is killed',
    async (what) => {
      let killed = 0;
      const onOutput = (output: string) => {
        const pid = Number(/rank 1 of 3 is process (\d+)/.exec(output)?.[1]);
        if (killed || !pid || output.match(/has trained/g)?.length !== 3) return;
        killed = performance.now();
        process.kill(what === 'process' ? pid : childrenOf(pid)[0]!, 'SIGKILL');
      };
      const job = ['rank.mjs', engine, FOREVER, seed] as const;
      const { status, output } = await startRanks(launcher, 3, job, { onOutput });
      expect(status).not.toBe(0);
      expect((performance.now() - killed) / 1000, output).toBeLessThan(60);
      if (what !== 'process') expect(output).toContain("rank 1 of 3: the onednn engine's process was killed");
      // MPICH's mpirun may name another process, which it has killed itself.
      else if (launcher === 'Open MPI') expect(output).toContain('rank 1 with PID');
    },
  );

  test('end together when one fails before it joins', async () => {
    const { status, output, milliseconds } = await startRanks(launcher, 2, ['rank.mjs', engine, 1, seed], {
      env: { FAILING_RANK: '1' },
    });
    expect(status).not.toBe(0);
    expect(output).toContain('rank 1 of 2: the disk is full');
    expect(milliseconds, output).toBeLessThan(30_000);
  });

  test("refuse another MPI's library than the launcher's", async () => {
    const other = launcher === 'MPICH' ? 'Open MPI' : 'MPICH';
    if (isMissing(other)) return;
    const library = other === 'MPICH' ? 'libmpich.so.12' : 'libmpi.so.40';
    const { status, output } = await startRanks(launcher, 2, ['rank.mjs', engine, 1, seed], {
      env: { BEYOND_MASKING_MPI: library },
    });
    expect(status).not.toBe(0);
    expect(output).toMatch(
      /MPI must find the ranks that were started, got rank 0 of 1 .* for rank [01] of 2/,
    );
  });

  test('name the command that installs a missing library', async () => {
    const { status, output } = await startRanks(launcher, 2, ['rank.mjs', engine, 1, seed], {
      env: { BEYOND_MASKING_MPI: 'libno-mpi.so' },
    });
    expect(status).not.toBe(0);
    expect(output).toContain('ranks need the library of MPI (libno-mpi.so), which is not found');
    expect(output).toContain(launcher === 'MPICH' ? 'apt-get install mpich' : 'apt-get install openmpi-bin');
  });
});
