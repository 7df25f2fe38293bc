import { describe, expect } from 'vitest';
import { baseSeed, testOperations } from '../../../tests/support/operations-suite.ts';
import { openOnnxBackend } from './backend.ts';

describe.each(['native', 'WebAssembly'])(
  `the %s engine computes what the reference does (SEED=${baseSeed})`,
  (kind) => {
    const open = async () => {
      const backend = await openOnnxBackend({ native: kind === 'native', threads: 1 });
      expect(backend.native).toBe(kind === 'native');
      return backend;
    };
    testOperations({ open, tolerance: 1e-5, draws: 12 });
  },
);
