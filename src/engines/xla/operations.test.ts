import { describe } from 'vitest';
import { baseSeed, testOperations } from '../../../tests/support/operations-suite.ts';
import { openCpuXla } from '../../../tests/support/xla.ts';

describe(`XLA on the CPU computes what the reference does (SEED=${baseSeed})`, () => {
  testOperations({ open: openCpuXla, tolerance: 1e-5, draws: 2 });
});
