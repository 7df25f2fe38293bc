import { beforeAll, describe, expect, it } from 'vitest';
import { cpuAsGpu, openCpuXla } from '../../../tests/support/xla.ts';
import { attention, input, type Program, program } from '../../graph/index.ts';
import { evaluateProgram } from '../reference/evaluate.ts';
import { AttentionChoice, type AttentionSetting, hasFused } from './attention-choice.ts';
import { Compiler } from './compiler.ts';
import { type AttentionSize, checkInputs, checkProgram, disagreement } from './fused-check.ts';
import type { Client, Device } from './pjrt/client.ts';
import { programText } from './run-program.ts';
import { XlaSession } from './session.ts';

const sizeOf = (tokens: number, features: number): AttentionSize => ({
  queries: tokens,
  keys: tokens,
  features,
  scale: 1 / Math.sqrt(features),
});

let client: Client;
let device: Device;

beforeAll(async () => {
  ({ client, device } = await cpuAsGpu());
});

/** Compiles another program in place of one that calls cuDNN, which CPUs do not have. */
class Substitute extends Compiler {
  readonly by: string;

  constructor(by: Program) {
    super(client, undefined);
    this.by = programText(by, { precision: 'bf16' });
  }

  override compile(text: string, devices: readonly Device[]) {
    return super.compile(text.includes('__cudnn$fmha') ? this.by : text, devices);
  }
}

function choose(setting: AttentionSetting, compiler: Compiler) {
  const warnings: string[] = [];
  const place = { client, compiler, device, precision: 'bf16' as const };
  return { choice: AttentionChoice.open(setting, place, (message) => warnings.push(message)), warnings };
}

describe('fused attention is chosen', () => {
  const size = sizeOf(7, 8);
  const attended = checkProgram(size);

  it('on GPUs of NVIDIA from Ampere on, with bf16', () => {
    const of = (computeCapability: string | undefined) => ({ ...device, computeCapability });
    for (const capability of ['8.0', '8.9', '9.0', '12.1'])
      expect(hasFused('cuda', of(capability), 'bf16')).toBe(true);
    expect(hasFused('cuda', of('9.0'), 'f32')).toBe(false);
    expect(hasFused('cuda', of('7.5'), 'bf16')).toBe(false);
    expect(hasFused('cuda', of(undefined), 'bf16')).toBe(false);
    expect(hasFused('rocm', of('9.0'), 'bf16')).toBe(false);
  });

  it('if the trial agrees with unfused attention', async () => {
    const { choice, warnings } = choose('auto', new Substitute(attended));
    expect(await choice.of(attended)).toBe('fused');
    expect(await choose('fused', new Substitute(attended)).choice.of(attended)).toBe('fused');
    expect(warnings).toEqual([]);
  });

  it('padded if the kernels refuse odd numbers of tokens', async () => {
    class EvenOnly extends Substitute {
      override compile(text: string, devices: readonly Device[]) {
        const isOdd = /custom_call @__cudnn.*tensor<2x7x2x8xbf16>/.test(text);
        return isOdd ? Promise.reject(new Error('odd')) : super.compile(text, devices);
      }
    }
    const { choice, warnings } = choose('auto', new EvenOnly(attended));
    expect(await choice.of(attended)).toBe('padded');
    expect(warnings).toEqual([]);
  });

  it('not where parts are asked for', async () => {
    expect(await choose('parts', new Substitute(attended)).choice.of(attended)).toBe('parts');
  });

  it('not if the trial differs', async () => {
    const wrong = checkProgram({ ...size, scale: 0.5 });
    const { choice, warnings } = choose('auto', new Substitute(wrong));
    expect(await choice.of(attended)).toBe('parts');
    expect(await choice.of(attended)).toBe('parts');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(
      /^attention runs unfused, because cuDNN's fused kernels failed a trial: \w+ differs by \S+ of its largest value$/,
    );
    await expect(choose('fused', new Substitute(wrong)).choice.of(attended)).rejects.toThrow(
      'engine.attention fused must agree with unfused attention, got: ',
    );
  });

  it('not if it does not compile: a session continues unfused', async () => {
    const compiler = new Compiler(client, undefined);
    const { choice, warnings } = choose('auto', compiler);
    const session = new XlaSession(client, compiler, [device], { precision: 'bf16', attention: choice });
    const inputs = checkInputs(attended, size);
    const got = await session.run(attended, inputs);
    await session.dispose();
    const truth = evaluateProgram(attended, inputs);
    expect(disagreement(got, truth as typeof got)).toBeUndefined();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('__cudnn$fmhaSoftmax');
    expect(warnings[0]).not.toContain('\n');
    await expect(choose('fused', compiler).choice.of(attended)).rejects.toThrow('__cudnn$fmhaSoftmax');
  });

  it('not for heads that the kernels do not take', async () => {
    const of = (features: number) => {
      const q = input('q', [2, 2, 4, features]);
      return program('attended', { y: attention(q, q, q) });
    };
    for (const features of [12, 136]) {
      const { choice, warnings } = choose('auto', new Substitute(of(features)));
      expect(await choice.of(of(features))).toBe('parts');
      expect(warnings).toEqual([]);
      await expect(choose('fused', new Substitute(attended)).choice.of(of(features))).rejects.toThrow(
        `engine.attention fused takes heads of up to 128 features, a multiple of 8, got ${features}`,
      );
    }
  });
});

it('the CPU computes attention in parts, and refuses anything else', async () => {
  const warnings: string[] = [];
  const engine = await openCpuXla({ precision: 'bf16', warn: (message) => warnings.push(message) });
  const session = await engine.open({});
  const size = sizeOf(6, 8);
  await session.run(checkProgram(size), checkInputs(checkProgram(size), size));
  await session.dispose();
  expect(warnings).toEqual([]);
  await expect(openCpuXla({ attention: 'fused', precision: 'bf16' })).rejects.toThrow(
    'engine.attention fused takes an NVIDIA GPU of compute capability 8.0 or above and bf16, got cpu, bf16',
  );
});

it('the trial distinguishes rounding from a padded token used as a key', async () => {
  const engine = await openCpuXla({ precision: 'bf16' });
  const session = await engine.open({});
  for (const [tokens, features] of [
    [49, 64],
    [17, 128],
    [195, 8],
  ] as const) {
    const size = sizeOf(tokens, features);
    const trial = checkProgram(size);
    const inputs = checkInputs(trial, size);
    const truth = evaluateProgram(trial, inputs) as typeof inputs;
    expect(disagreement(await session.run(trial, inputs), truth)).toBeUndefined();
    const longer = checkProgram({ ...size, keys: tokens + 1 });
    const padded = (x: Float32Array) =>
      Float32Array.from({ length: 4 * (tokens + 1) * features }, (_, i) => {
        const [head, rest] = [Math.floor(i / ((tokens + 1) * features)), i % ((tokens + 1) * features)];
        return rest < tokens * features ? x[head * tokens * features + rest]! : 0;
      });
    const [k, v] = [inputs.k, inputs.v].map((x) => padded(x as Float32Array));
    const { y, dq } = evaluateProgram(longer, { ...inputs, k: k!, v: v! }) as typeof inputs;
    expect(disagreement({ y: y! }, { y: truth.y! }), `${tokens}`).toMatch(/^y differs/);
    expect(disagreement({ dq: dq! }, { dq: truth.dq! }), `${tokens}`).toMatch(/^dq differs/);
  }
  await session.dispose();
});
