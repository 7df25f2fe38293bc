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

/** Largest resident memory so far of this process and of its children, in which engines run, in GB (10⁹ bytes). */
export function peakGigabytes(): number {
  const own = process.resourceUsage().maxRSS;
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
  const peaks = children.filter(Boolean).map((pid) => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0);
  });
  return ([own, ...peaks].reduce((sum, kilobytes) => sum + kilobytes, 0) * 1024) / 1e9;
}
