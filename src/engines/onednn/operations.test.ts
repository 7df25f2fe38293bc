import { describe } from 'vitest';
import { isMissing, oneDnnFolder } from '../../../tests/support/libraries.ts';
import { testOperations } from '../../../tests/support/operations-suite.ts';
import { seed } from '../../../tests/support/random.ts';
import { openOneDnnEngine } from './engine.ts';

// bfloat16 has eight bits, and what it rounds goes through several products here, and some cancel: second derivatives
// of attention were off by 0.11 of their largest value with one draw (SEED=211605). Wrong results are off by about 1.
const tolerances = { f32: 1e-5, bf16: 0.2 };

for (const precision of ['f32', 'bf16'] as const)
  describe.skipIf(precision === 'bf16' && isMissing('a CPU with bfloat16'))(
    `the onednn engine in ${precision} computes what the reference does (SEED=${seed})`,
    () => {
      const open = () => openOneDnnEngine({ threads: 1, precision, folder: oneDnnFolder });
      testOperations({ open, tolerance: tolerances[precision], draws: 12 });
    },
  );
