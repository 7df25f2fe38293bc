import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process, so that no other one is taken for it: numbers of processes are used again. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** When it began, as its system says it; absent where that is not known. */
  readonly started?: string;
  /** The start of the machine that it runs on; absent where that is not known. */
  readonly boot?: string;
}

/** The system's record of a running process. */
interface Found {
  /** It has ended, and nobody has asked yet how. In some containers nobody ever does. */
  readonly zombie: boolean;
  readonly started?: string;
  /** The same in milliseconds since 1970, to some seconds. */
  readonly since?: number;
}

/** Milliseconds by which a file's time and a process's start may be apart although the process wrote the file: disks of other machines have other clocks. */
const CLOCKS_APART = 300_000;

/** This process. */
export function ownIdentity(): ProcessIdentity {
  const started = find(process.pid)?.started;
  const boot = read('/proc/sys/kernel/random/boot_id')?.trim();
  return {
    pid: process.pid,
    host: hostname(),
    ...(started !== undefined && { started }),
    ...(boot !== undefined && { boot }),
  };
}

/**
 * True if a process may still run, or if that cannot be known, as of other machines.
 * @param seen when it last was known to run, in milliseconds since 1970
 */
export function mayRun(other: ProcessIdentity, self: ProcessIdentity, seen: number): boolean {
  if (other.host !== self.host) return true;
  if (other.boot !== undefined && self.boot !== undefined && other.boot !== self.boot) return false;
  if (other.pid === self.pid) return other.started !== undefined && other.started === self.started;
  const found = find(other.pid);
  if (!found || found.zombie) return false;
  if (other.started !== undefined && found.started !== undefined) return other.started === found.started;
  return found.since === undefined || found.since <= seen + CLOCKS_APART;
}

/** Undefined where there is no such process. */
function find(pid: number): Found | undefined {
  if (process.platform === 'linux') return findOnLinux(pid);
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
  }
  const started = process.platform === 'darwin' ? startedByPs(pid) : undefined;
  return { zombie: false, ...(started && { started }) };
}

/** By proc(5). */
function findOnLinux(pid: number): Found | undefined {
  const stat = read(`/proc/${pid}/stat`); // 27 (its name) S 1 …
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // from the third one on
  const started = fields[19]!; // field 22, in hundredths of a second since the machine started
  const booted = /^btime (\d+)$/m.exec(read('/proc/stat') ?? '')?.[1];
  return {
    zombie: fields[0] === 'Z',
    started,
    ...(booted !== undefined && { since: 1000 * Number(booted) + 10 * Number(started) }),
  };
}

function startedByPs(pid: number): string | undefined {
  try {
    const options = { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' } } as const;
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], options).trim() || undefined;
  } catch {
    return undefined;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
