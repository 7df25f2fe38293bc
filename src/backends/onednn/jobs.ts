import { addInto, kernels, sumOfSquares } from '../onnx/kernels.ts';

/** Arrays of one length, by their addresses. */
export interface Arrays {
  readonly addresses: readonly bigint[];
  readonly length: number;
}

/** Work that can be divided among threads, element by element. */
export type Job =
  /** Σ x² of the first array of each item, a sum for each part: sums[item · parts + part] */
  | { readonly kind: 'squares'; readonly items: readonly Arrays[]; readonly sums: Float64Array }
  /** The first array += the second */
  | { readonly kind: 'add'; readonly items: readonly Arrays[] }
  /** Weight, gradient and slots by the kernel of an update rule */
  | {
      readonly kind: 'update';
      readonly items: readonly (Arrays & {
        readonly kernel: string;
        readonly attributes: Readonly<Record<string, number>>;
      })[];
      readonly scalars: Readonly<Record<string, number>>;
    };

type ViewAt = (address: bigint, floats: number) => Float32Array;

/** Floats of a cache line: where one part ends and the next begins. */
const LINE = 16;

/** Does one part of a job. */
export function parts(job: Job, part: number, count: number, view: ViewAt): void {
  for (const [i, item] of job.items.entries()) {
    const share = Math.ceil(item.length / count / LINE) * LINE;
    const [start, end] = [Math.min(part * share, item.length), Math.min((part + 1) * share, item.length)];
    const arrays = item.addresses.map((address) => view(address, item.length).subarray(start, end));
    const [first, second, ...rest] = arrays as [Float32Array, Float32Array, ...Float32Array[]];
    if (job.kind === 'squares') job.sums[i * count + part] = sumOfSquares(first);
    else if (job.kind === 'add') addInto(first, second);
    else {
      const { kernel, attributes } = job.items[i]!;
      kernels[kernel]!(first, second, rest, job.scalars, attributes);
    }
  }
}
