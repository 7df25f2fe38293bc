import { readFileSync } from 'node:fs';

/** CPU flags of Linux for bfloat16 multiplication. */
const instructions = ['avx512_bf16', 'amx_bf16'];

/** Throws an Error unless the CPU multiplies bfloat16; without it, float32 is faster. */
export function requireBf16(cpuinfo = readFileSync('/proc/cpuinfo', 'utf8')): void {
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/) ?? [];
  if (!instructions.some((name) => flags.includes(name)))
    throw new Error(
      `engine.precision bf16 needs a CPU with ${instructions.join(' or ')}, got one without: set engine.precision f32`,
    );
}
