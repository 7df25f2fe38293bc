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

/** Sum over the children, in GB; 0 on systems other than Linux, which do not report it. */
function ofChildren(field: 'VmHWM' | 'VmRSS'): number {
  try {
    const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
    const kilobytes = children.filter(Boolean).map((pid) => {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      return Number(new RegExp(`${field}:\\s*(\\d+)`).exec(status)?.[1] ?? 0);
    });
    return kilobytes.reduce((sum, x) => sum + x, 0) * 1.024e-6;
  } catch {
    return 0;
  }
}
