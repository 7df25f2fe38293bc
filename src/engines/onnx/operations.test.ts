import { describe, expect } from 'vitest';
import { testOperations } from '../../../tests/support/operations-suite.ts';
import { seed } from '../../../tests/support/random.ts';
import { openOnnxEngine } from './engine.ts';

describe.each(['native', 'WebAssembly'])(
  `the %s engine computes what the reference does (SEED=${seed})`,
  (kind) => {
    const open = async () => {
      const engine = await openOnnxEngine({ native: kind === 'native', threads: 1 });
      expect(engine.native).toBe(kind === 'native');
      return engine;
    };
    testOperations({ open, tolerance: 1e-5, draws: 12 });
  },
);
