import type { Program } from '../../graph/program.ts';
import type { Node } from '../../graph/tensor.ts';
import { topologicalOrder } from '../../graph/topology.ts';
import type { Compiler } from './compiler.ts';
import { type AttentionSize, checkInputs, checkProgram, disagreement } from './fused-check.ts';
import type { Client, Device } from './pjrt/client.ts';
import { XlaError } from './pjrt/error.ts';
import { RunProgram } from './run-program.ts';
import { fitsFused } from './stablehlo/fused-attention.ts';
import type { Precision } from './stablehlo/precision.ts';

/** `fused`: cuDNN's kernels; `parts`: products and a softmax; `auto`: fused where that can be. */
export type AttentionSetting = 'auto' | 'fused' | 'parts';

export interface AttentionPlace {
  readonly client: Client;
  readonly compiler: Compiler;
  readonly device: Device;
  readonly precision: Precision;
}

/** Whether a device has kernels for fused attention: NVIDIA's from Ampere on, in bfloat16. */
export function hasFused(platform: string, device: Device, precision: Precision): boolean {
  return (
    platform === 'cuda' && Number.parseFloat(device.computeCapability ?? '0') >= 8 && precision === 'bf16'
  );
}

/** How the programs of a backend compute attention. */
export class AttentionChoice {
  private readonly setting: AttentionSetting;
  private readonly place: AttentionPlace;
  private readonly warn: (message: string) => void;
  /** What speaks against fused attention, by size. */
  private readonly checked = new Map<string, Promise<string | undefined>>();

  private constructor(setting: AttentionSetting, place: AttentionPlace, warn: (message: string) => void) {
    this.setting = setting;
    this.place = place;
    this.warn = warn;
  }

  /** Throws XlaError where fused attention is asked for and cannot be. */
  static open(
    setting: AttentionSetting,
    place: AttentionPlace,
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
   * The form for a program: fused where all of its attention fits and a small trial on the device, before the first
   * program of each size, gives what parts give. Throws XlaError where fused attention is asked for and cannot be.
   */
  async of(program: Program): Promise<'fused' | 'parts'> {
    if (this.setting === 'parts') return 'parts';
    for (const size of attentionSizes(program)) {
      if (!fitsFused(size.features)) {
        if (this.setting === 'auto') return 'parts';
        throw new XlaError(
          `engine.attention fused takes heads of up to 128 features, a multiple of 8, got ${size.features}`,
        );
      }
      const against = await this.against(size);
      if (against === undefined) continue;
      if (this.setting === 'auto') return 'parts';
      throw new XlaError(`engine.attention fused must give what parts give, got: ${against}`);
    }
    return 'fused';
  }

  private against(size: AttentionSize): Promise<string | undefined> {
    const key = JSON.stringify(size);
    let found = this.checked.get(key);
    if (!found) {
      found = this.check(size);
      this.checked.set(key, found);
    }
    return found;
  }

  private async check(size: AttentionSize): Promise<string | undefined> {
    const program = checkProgram(size);
    const inputs = checkInputs(program, size);
    const run = async (attention: 'fused' | 'parts') => {
      const { client, compiler, device, precision } = this.place;
      const made = await RunProgram.prepare(program, client, compiler, device, { precision, attention });
      return made.run(inputs, () => {
        throw new XlaError('the trial of fused attention has no state');
      });
    };
    const expected = await run('parts');
    const against = await run('fused').then(
      (got) => disagreement(got, expected),
      (error: Error) => error.message.split('\n')[0]!,
    );
    if (against !== undefined && this.setting === 'auto')
      this.warn(`attention is computed in parts, for cuDNN's fused kernels failed a trial: ${against}`);
    return against;
  }
}

/** The different sizes of attention in a program. */
export function attentionSizes({ outputs }: Program): AttentionSize[] {
  const found = topologicalOrder(Object.values(outputs)).filter(
    ({ operation }) => operation.name === 'attention',
  );
  const sizes = new Map(found.map((node) => [JSON.stringify(sizeOf(node)), sizeOf(node)]));
  return [...sizes.values()];
}

function sizeOf({ inputs: [q, k], attributes: { scale } }: Node): AttentionSize {
  return { queries: q!.shape[2]!, keys: k!.shape[2]!, features: q!.shape[3]!, scale };
}
