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

/** Largest resident memory of this process so far, in GB (10⁹ bytes). */
export function peakGigabytes(): number {
  return (process.resourceUsage().maxRSS * 1024) / 1e9;
}
