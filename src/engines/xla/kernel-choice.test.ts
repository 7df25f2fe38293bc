import { beforeAll, describe, expect, it } from 'vitest';
import { cpuAsGpu } from '../../../tests/support/xla.ts';
import { gelu, input, mul, type Program, program } from '../../graph/index.ts';
import { Compiler } from './compiler.ts';
import { kernelTrial } from './kernel-check.ts';
import { KernelChoice } from './kernel-choice.ts';
import type { Client, Device } from './pjrt/client.ts';
import { programText } from './run-program.ts';

let client: Client;
let device: Device;

beforeAll(async () => {
  ({ client, device } = await cpuAsGpu());
});

const activated = (factor = 1) => {
  const x = input('x', [4, 8]);
  return program('activated', { y: mul(gelu(x), factor) });
};

/** Compiles another program in place of one with kernels, which CPUs do not have. */
class Substitute extends Compiler {
  trials = 0;
  readonly by: string;

  constructor(by: Program) {
    super(client, undefined);
    this.by = programText(by, { precision: 'bf16' });
  }

  override compile(text: string, devices: readonly Device[]) {
    if (!text.includes('xla.gpu.triton')) return super.compile(text, devices);
    this.trials++;
    return super.compile(this.by, devices);
  }
}

function choose(compiler: Compiler, { wanted = true, precision = 'bf16' as 'bf16' | 'f32' } = {}) {
  const warnings: string[] = [];
  const place = { client, compiler, device, precision };
  return { choice: KernelChoice.open(wanted, place, (message) => warnings.push(message)), warnings };
}

describe('kernels are used', () => {
  it('if a trial agrees with the parts; one trial serves all programs of the same sizes', async () => {
    const compiler = new Substitute(kernelTrial(activated())!.trial);
    const { choice, warnings } = choose(compiler);
    expect(await choice.of(activated())).toBe(true);
    expect(await choice.of(activated(2))).toBe(true);
    expect([compiler.trials, warnings]).toEqual([1, []]);
  });

  it('not if the trial differs: one warning', async () => {
    const { trial } = kernelTrial(activated())!;
    const outputs = Object.entries(trial.outputs).map(([name, y]) => [name, mul(y, 1.1)] as const);
    const { choice, warnings } = choose(new Substitute(program('trial', Object.fromEntries(outputs))));
    expect(await choice.of(activated())).toBe(false);
    expect(await choice.of(activated())).toBe(false);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(
      /because kernels failed a trial: .* differs by 0\.1\d* of its largest value$/,
    );
  });

  it('not if it does not compile', async () => {
    const { choice, warnings } = choose(new Compiler(client, undefined));
    expect(await choice.of(activated())).toBe(false);
    expect(warnings[0]).toContain('because kernels failed a trial: ');
    expect(warnings[0]).not.toContain('\n');
  });

  it('not where they are not wanted, not in float32, and not by programs without their parts', async () => {
    const compiler = new Substitute(kernelTrial(activated())!.trial);
    expect(await choose(compiler, { wanted: false }).choice.of(activated())).toBe(false);
    expect(await choose(compiler, { precision: 'f32' }).choice.of(activated())).toBe(false);
    const x = input('x', [4, 8]);
    expect(await choose(compiler).choice.of(program('twice', { y: mul(x, 2) }))).toBe(false);
    expect(compiler.trials).toBe(0);
  });
});
