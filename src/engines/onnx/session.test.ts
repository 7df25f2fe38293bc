import { describe } from 'vitest';
import { testSessions } from '../../../tests/support/session-suite.ts';
import { seed, TinyTraining } from '../../../tests/support/tiny-training.ts';
import { openOnnxBackend } from './backend.ts';

describe.each(['native', 'WebAssembly'])(`sessions of the %s engine (SEED=${seed})`, (kind) => {
  testSessions(new TinyTraining({ depth: 2, pretext: 'masked+zoomed-in' }), () =>
    openOnnxBackend({ native: kind === 'native', threads: 2 }),
  );
});
