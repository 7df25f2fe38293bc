import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

/** The machine, in one line: a ratio holds where it was measured. */
export function machine(): string {
  const cores = cpus();
  return `${cores.length} × ${cores[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Largest resident memory so far of this process and of those it started and that still run (the engine's), in GB
 * (10⁹ bytes). Only Linux says so of others: elsewhere it is this process alone.
 */
export function peakGigabytes(): number {
  if (process.platform !== 'linux') return (process.resourceUsage().maxRSS * 1024) / 1e9;
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').split(' ');
  return [`${process.pid}`, ...children.filter(Boolean)].reduce((sum, pid) => sum + peakOf(pid), 0);
}

function peakOf(pid: string): number {
  const kilobytes = /VmHWM:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kilobytes) * 1024) / 1e9;
}
