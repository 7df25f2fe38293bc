import type { Program } from '../../graph/program.ts';
import { hasFused, rejectionOf, type TrialPlace } from './attention-choice.ts';
import { kernelTrial } from './kernel-check.ts';

/** Decides whether an engine's programs use this project's own kernels. */
export class KernelChoice {
  readonly #place: TrialPlace | undefined;
  readonly #warn: (message: string) => void;
  /** Why a trial was rejected, by its outputs; undefined if it passed. */
  readonly #checked = new Map<string, Promise<string | undefined>>();
  #warned = false;

  /** @param place where trials run; undefined: no kernels */
  private constructor(place: TrialPlace | undefined, warn: (message: string) => void) {
    this.#place = place;
    this.#warn = warn;
  }

  /** Kernels need the devices that have fused attention. @param wanted false: no kernels */
  static open(wanted: boolean, place: TrialPlace, warn: (message: string) => void): KernelChoice {
    const has = hasFused(place.client.platform, place.device, place.precision);
    return new KernelChoice(wanted && has ? place : undefined, warn);
  }

  /** True if the program would use kernels and a small trial of them on the device agrees with the parts. */
  async of(program: Program): Promise<boolean> {
    const place = this.#place;
    const found = place && kernelTrial(program);
    if (!found) return false;
    const key = Object.keys(found.trial.outputs).join();
    const form = { attention: 'fused', kernels: true } as const;
    const check = this.#checked.get(key) ?? rejectionOf(found.trial, found.inputs(), place, form);
    this.#checked.set(key, check);
    const rejection = await check;
    if (rejection !== undefined && !this.#warned) {
      this.#warn(
        `XLA computes GELU, norms and attention by itself, because kernels failed a trial: ${rejection}`,
      );
      this.#warned = true;
    }
    return rejection === undefined;
  }
}
