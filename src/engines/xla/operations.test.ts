import { describe } from 'vitest';
import { testOperations } from '../../../tests/support/operations-suite.ts';
import { seed } from '../../../tests/support/random.ts';
import { openCpuXla } from '../../../tests/support/xla.ts';

describe(`XLA on the CPU computes what the reference does (SEED=${seed})`, () => {
  testOperations({ open: openCpuXla, tolerance: 1e-5, draws: 2 });
});
