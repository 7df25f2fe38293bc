import { readFileSync } from 'node:fs';

/** CPU flags of Linux for bfloat16 multiplication. */
const instructions = ['avx512_bf16', 'amx_bf16'];

/** True if the CPU multiplies bfloat16. Without such instructions, float32 is faster. */
export function hasBf16(cpuinfo = readFileSync('/proc/cpuinfo', 'utf8')): boolean {
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/) ?? [];
  return instructions.some((name) => flags.includes(name));
}

/** Throws an Error unless the CPU multiplies bfloat16. */
export function requireBf16(cpuinfo?: string): void {
  if (!hasBf16(cpuinfo))
    throw new Error(
      `engine.precision bf16 needs a CPU with ${instructions.join(' or ')}, got one without: set engine.precision f32`,
    );
}
