import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** Variable that marks the processes of a job. */
export const MARK = 'BEYOND_MASKING_JOB';

/** A process of a job of ranks. */
export interface JobProcess {
  readonly pid: number;
  /** `helper`: the launcher, and programs that it starts. */
  readonly kind: 'rank' | 'engine' | 'helper';
  /** Number of the rank; undefined for helpers. */
  readonly rank: number | undefined;
  readonly command: string;
}

/** Variables with the number of a rank, by the launchers' precedence. */
const RANK = ['OMPI_COMM_WORLD_RANK', 'PMI_RANK', 'PMIX_RANK', 'SLURM_PROCID'];

/** Scripts of ranks and engines. */
const scripts = { rank: '/cli/main.js', engine: '/onednn/process.js' } as const;

/** The processes that live and have a mark in their environment, by Linux's `/proc`. */
export function processesOf(mark: string): JobProcess[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    const environment = words(`/proc/${name}/environ`);
    if (!environment.includes(`${MARK}=${mark}`)) return [];
    const command = words(`/proc/${name}/cmdline`);
    const isNode = basename(command[0] ?? '').startsWith('node');
    const kind = (['rank', 'engine'] as const).find(
      (each) => isNode && command.slice(1).some((word) => word.endsWith(scripts[each])),
    );
    const variable = RANK.map((key) => environment.find((word) => word.startsWith(`${key}=`))).find(Boolean);
    return {
      pid: Number(name),
      kind: kind ?? 'helper',
      rank: kind && variable ? Number(variable.split('=')[1]) : undefined,
      command: command.join(' ').slice(0, 120),
    };
  });
}

/** Words that zero bytes end. Empty for a process that has ended. */
function words(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\0').filter(Boolean);
  } catch {
    return [];
  }
}
