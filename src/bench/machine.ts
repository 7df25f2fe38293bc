import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

/** The machine in one line, because ratios depend on it. */
export function machine(): string {
  const cores = cpus();
  return `${cores.length} × ${cores[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Peak resident memory of this process and of its children, in which engines run, in GB (10⁹ bytes). */
export const peakGigabytes = () => process.resourceUsage().maxRSS * 1.024e-6 + ofChildren('VmHWM');

/** Current resident memory of this process and of its children, in GB. */
export const residentGigabytes = () => process.memoryUsage.rss() / 1e9 + ofChildren('VmRSS');

/** Sum over the children that live, in GB; 0 on systems other than Linux, which do not report it. */
function ofChildren(field: 'VmHWM' | 'VmRSS'): number {
  const kilobytes = (pid: string) =>
    Number(new RegExp(`${field}:\\s*(\\d+)`).exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
  const children = read(`/proc/self/task/${process.pid}/children`).trim().split(' ').filter(Boolean);
  return children.reduce((sum, pid) => sum + kilobytes(pid), 0) * 1.024e-6;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
