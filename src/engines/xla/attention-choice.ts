import type { Program } from '../../graph/program.ts';
import type { Node, Values } from '../../graph/tensor.ts';
import { topologicalOrder } from '../../graph/topology.ts';
import type { Compiler } from './compiler.ts';
import { type AttentionSize, checkInputs, checkProgram, disagreement } from './fused-check.ts';
import type { Client, Device } from './pjrt/client.ts';
import { XlaError } from './pjrt/error.ts';
import { RunProgram } from './run-program.ts';
import { type AttentionForm, fitsFused } from './stablehlo/fused-attention.ts';
import type { LowerOptions } from './stablehlo/lower.ts';
import type { Precision } from './stablehlo/precision.ts';
import { fitsTile } from './triton/attention.ts';

/**
 * `fused`: cuDNN's kernels; `parts`: unfused, products and a softmax; `auto`: fused if the device, the precision and
 * the heads allow it.
 */
export type AttentionSetting = 'auto' | 'fused' | 'parts';

/** Where trials run. */
export interface TrialPlace {
  readonly client: Client;
  readonly compiler: Compiler;
  readonly device: Device;
  readonly precision: Precision;
}

/** True if a device has kernels for fused attention: NVIDIA's from Ampere on, in bfloat16. */
export function hasFused(platform: string, device: Device, precision: Precision): boolean {
  return (
    platform === 'cuda' && Number.parseFloat(device.computeCapability ?? '0') >= 8 && precision === 'bf16'
  );
}

/** Chooses how an engine's programs compute attention. */
export class AttentionChoice {
  readonly #setting: AttentionSetting;
  readonly #place: TrialPlace;
  readonly #warn: (message: string) => void;
  /** Why a kernel variant was rejected, by variant and size; undefined if it passed. */
  readonly #checked = new Map<string, Promise<string | undefined>>();
  #warned = false;

  private constructor(setting: AttentionSetting, place: TrialPlace, warn: (message: string) => void) {
    this.#setting = setting;
    this.#place = place;
    this.#warn = warn;
  }

  /** Throws XlaError if the setting requires fused attention and the device or precision does not support it. */
  static open(
    setting: AttentionSetting,
    place: TrialPlace,
    warn: (message: string) => void,
  ): AttentionChoice {
    const { client, device, precision } = place;
    const has = hasFused(client.platform, device, precision);
    if (setting === 'fused' && !has) {
      const { computeCapability: capability } = device;
      const got = `${client.platform}${capability === undefined ? '' : ` ${capability}`}, ${precision}`;
      throw new XlaError(
        `engine.attention fused takes an NVIDIA GPU of compute capability 8.0 or above and bf16, got ${got}`,
      );
    }
    return new AttentionChoice(has ? setting : 'parts', place, warn);
  }

  /**
   * The form for a program: `fused`, else `padded`, if all attention sizes fit and a small trial on the device agrees
   * with unfused attention; else `parts`. The trial runs once per size. Throws XlaError if the setting requires fused
   * attention and a size does not fit or fails.
   * @param kernels true: this project's own kernels compute the sizes that they take
   */
  async of(program: Program, kernels = false): Promise<AttentionForm> {
    if (this.#setting === 'parts') return 'parts';
    const sizes = attentionSizes(program).filter((size) => !(kernels && fitsTile(size)));
    const strange = sizes.find(({ features }) => !fitsFused(features));
    if (strange) {
      if (this.#setting === 'auto') return 'parts';
      throw new XlaError(
        `engine.attention fused takes heads of up to 128 features, a multiple of 8, got ${strange.features}`,
      );
    }
    let rejection: string | undefined;
    for (const form of ['fused', 'padded'] as const) {
      if (form === 'padded' && !sizes.some(isOdd)) break; // the same as fused
      rejection = await this.#rejection(form, sizes);
      if (rejection === undefined) return form;
    }
    if (this.#setting === 'fused')
      throw new XlaError(`engine.attention fused must agree with unfused attention, got: ${rejection}`);
    if (!this.#warned)
      this.#warn(`attention runs unfused, because cuDNN's fused kernels failed a trial: ${rejection}`);
    this.#warned = true;
    return 'parts';
  }

  /** Why a form of attention was rejected for any of these sizes; undefined if all passed. */
  async #rejection(form: 'fused' | 'padded', sizes: readonly AttentionSize[]): Promise<string | undefined> {
    for (const size of sizes) {
      const key = JSON.stringify([form, size]);
      const check = this.#checked.get(key) ?? this.#check(form, size);
      this.#checked.set(key, check);
      const rejection = await check;
      if (rejection !== undefined) return rejection;
    }
    return undefined;
  }

  async #check(form: 'fused' | 'padded', size: AttentionSize): Promise<string | undefined> {
    const program = checkProgram(size);
    return rejectionOf(program, checkInputs(program, size), this.#place, { attention: form });
  }
}

/**
 * Runs a trial on the device in a form of its kernels, and in parts. Returns why the form is rejected: an error, or a
 * result that differs by more than rounding; undefined if it passes.
 */
export async function rejectionOf(
  trial: Program,
  inputs: Values,
  { client, compiler, device, precision }: TrialPlace,
  form: Pick<LowerOptions, 'attention' | 'kernels'>,
): Promise<string | undefined> {
  const run = async (options: typeof form) => {
    const prepared = await RunProgram.prepare(trial, client, compiler, device, { precision, ...options });
    return prepared.run(inputs, () => {
      throw new XlaError('a trial must not read state');
    });
  };
  const expected = await run({});
  return run(form).then(
    (got) => disagreement(got, expected),
    (error: Error) => error.message.split('\n')[0]!,
  );
}

const isOdd = ({ queries, keys }: AttentionSize) => queries % 2 === 1 || keys % 2 === 1;

/** The distinct attention sizes in a program. */
export function attentionSizes({ outputs }: Program): AttentionSize[] {
  const attentions = topologicalOrder(Object.values(outputs)).filter(
    ({ operation }) => operation.name === 'attention',
  );
  const sizes = new Map(attentions.map((node) => [JSON.stringify(sizeOf(node)), sizeOf(node)]));
  return [...sizes.values()];
}

function sizeOf({ inputs: [q, k], attributes: { scale } }: Node): AttentionSize {
  return { queries: q!.shape[2]!, keys: k!.shape[2]!, features: q!.shape[3]!, scale };
}
