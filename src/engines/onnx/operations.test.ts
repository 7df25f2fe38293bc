import { describe, expect } from 'vitest';
import { baseSeed, testOperations } from '../../../tests/support/operations-suite.ts';
import { openOnnxEngine } from './engine.ts';

describe.each(['native', 'WebAssembly'])(
  `the %s engine computes what the reference does (SEED=${baseSeed})`,
  (kind) => {
    const open = async () => {
      const engine = await openOnnxEngine({ native: kind === 'native', threads: 1 });
      expect(engine.native).toBe(kind === 'native');
      return engine;
    };
    testOperations({ open, tolerance: 1e-5, draws: 12 });
  },
);
