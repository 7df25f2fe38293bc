import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './support/temporary-folder.ts';

const script = fileURLToPath(new URL('../deploy/slurm.sh', import.meta.url));
const folder = temporaryFolder();

/** Runs the script with programs that record their arguments in place of Slurm's. @param status that of srun @param installed false: in a clone */
function runJob(status: number, installed: boolean, ...args: readonly string[]) {
  const cwd = join(folder, installed ? 'project' : 'clone');
  const bin = join(cwd, 'node_modules', '.bin');
  mkdirSync(bin, { recursive: true });
  if (installed) writeFileSync(join(bin, 'beyond-masking'), '');
  const programs = join(folder, `bin-${status}`);
  const log = join(folder, `log-${status}`);
  mkdirSync(programs, { recursive: true });
  writeFileSync(log, '');
  for (const [name, code] of [
    ['srun', status],
    ['scontrol', 0],
  ] as const) {
    const path = join(programs, name);
    writeFileSync(path, `#!/bin/sh\necho ${name} "$@" >> '${log}'\nexit ${code}\n`);
    chmodSync(path, 0o755);
  }
  const env = {
    PATH: `${programs}:/usr/bin:/bin`,
    SLURM_JOB_ID: '7',
    SLURM_CPUS_ON_NODE: '64',
    SLURM_NTASKS_PER_NODE: '2',
  };
  const { status: ended } = spawnSync('bash', [script, ...args], { cwd, env });
  return { ended, calls: readFileSync(log, 'utf8').trim().split('\n') };
}

describe.skipIf(process.platform === 'win32')("Slurm's script", () => {
  const start = (command: string) =>
    `srun -K --mpi=pmix --cpus-per-task=32 ${command} pretrain --output runs/a --resume`;
  const started = start('node_modules/.bin/beyond-masking');
  const args = ['pretrain', '--output', 'runs/a'];

  it('is one that bash can read', () => {
    execFileSync('bash', ['-n', script]);
  });

  it.each([0, 1, 137])('ends with the status %i of the run', (status) => {
    expect(runJob(status, true, ...args)).toEqual({ ended: status, calls: [started] });
  });

  it('starts the command of a clone where no package is installed', () => {
    expect(runJob(0, false, ...args)).toEqual({ ended: 0, calls: [start('bin/beyond-masking.mjs')] });
  });

  it('queues a run again that was asked to stop', () => {
    expect(runJob(130, true, ...args)).toEqual({ ended: 130, calls: [started, 'scontrol requeue 7'] });
  });
});
