import { describe, expect, it } from 'vitest';
import { requireBf16 } from './cpu.ts';

describe('bfloat16 on a CPU', () => {
  it('takes AVX512-BF16 or AMX', () => {
    expect(() => requireBf16('model\t: 17\nflags\t\t: fpu avx512_bf16 fsrm\nbugs\t: none')).not.toThrow();
    expect(() => requireBf16('flags\t\t: fpu amx_bf16\n')).not.toThrow();
  });

  it('refuses others', () => {
    for (const flags of ['flags\t\t: fpu avx512f avx512_bf16x\n', 'flags:\n', ''])
      expect(() => requireBf16(flags)).toThrow('needs a CPU with avx512_bf16 or amx_bf16');
  });
});
