import { readFileSync } from 'node:fs';

/** Instructions that multiply bfloat16, as Linux names them. */
const instructions = ['avx512_bf16', 'amx_bf16'];

/** Throws an Error unless the CPU multiplies bfloat16: without that, float32 is faster. */
export function requireBf16(cpuinfo = readFileSync('/proc/cpuinfo', 'utf8')): void {
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/) ?? [];
  if (!instructions.some((name) => flags.includes(name)))
    throw new Error(
      `engine.precision bf16 needs a CPU with ${instructions.join(' or ')}, got one without: take f32`,
    );
}
