import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Shape, sizeOf } from '../../graph/tensor.ts';
import { type Timing, together } from '../timing.ts';

/** An event of onnxruntime's profiler. */
interface Event {
  readonly cat: string;
  readonly name: string;
  /** Microseconds. */
  readonly dur: number;
  readonly args: {
    readonly op_name?: string;
    readonly node_index?: string;
    readonly input_type_shape?: readonly Readonly<Record<string, Shape>>[];
    readonly output_type_shape?: readonly Readonly<Record<string, Shape>>[];
  };
}

/** Folder of onnxruntime's profiles. */
export class ProfileFolder {
  #folder: string | undefined;
  #count = 0;

  /** Path prefix of a new profile. */
  async prefix(): Promise<string> {
    this.#folder ??= await mkdtemp(join(tmpdir(), 'beyond-masking-profile-'));
    return join(this.#folder, `${this.#count++}`);
  }

  /** Reads the least times of all operators in all profiles, and removes the profiles. */
  async read(): Promise<Timing[]> {
    const folder = this.#folder;
    if (!folder) return [];
    this.#folder = undefined;
    try {
      const files = await readdir(folder);
      const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
      return together(texts.flatMap((text) => leastTimes(JSON.parse(text) as Event[])));
    } finally {
      await rm(folder, { recursive: true });
    }
  }
}

function leastTimes(events: readonly Event[]): Timing[] {
  const least = new Map<string, Event>();
  for (const event of events) {
    if (event.cat !== 'Node' || !event.name.endsWith('_kernel_time')) continue;
    const known = least.get(event.name);
    if (!known || event.dur < known.dur) least.set(event.name, event);
  }
  return [...least.values()].map(({ dur, args }) => {
    const shapes = (values: Event['args']['input_type_shape'] = []) =>
      values.map((value) => Object.values(value)[0] ?? []);
    const [inputs, outputs] = [shapes(args.input_type_shape), shapes(args.output_type_shape)];
    const text = (list: readonly Shape[]) => list.map((shape) => `[${shape}]`).join(' · ');
    const name = `${args.op_name} ${text(inputs)} → ${text(outputs)}`;
    return {
      name,
      calls: 1,
      milliseconds: dur / 1000,
      flops: flops(args.op_name ?? '', inputs, outputs),
    };
  });
}

function flops(operator: string, [a, b]: readonly Shape[], [out]: readonly Shape[]): number {
  // 2 · M · N · K, batched. The matrices of the first operand have M · K elements in any order.
  if (/MatMul|Gemm/.test(operator)) return (2 * sizeOf(out!) * sizeOf(a!.slice(-2))) / out!.at(-2)!;
  return operator.includes('Conv') ? 2 * sizeOf(out!) * sizeOf(b!.slice(1)) : 0;
}
