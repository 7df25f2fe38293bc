import { describe } from 'vitest';
import { testCollectives } from '../../../tests/support/collective-suite.ts';
import { seed } from '../../../tests/support/random.ts';
import { testSessions } from '../../../tests/support/session-suite.ts';
import { TinyTraining } from '../../../tests/support/tiny-training.ts';
import { openOnnxEngine } from './engine.ts';

describe.each(['native', 'WebAssembly'])(`sessions of the %s engine (SEED=${seed})`, (kind) => {
  testSessions(new TinyTraining({ depth: 2, pretext: 'masked+zoomed-in' }), () =>
    openOnnxEngine({ native: kind === 'native', threads: 2 }),
  );
});

describe(`collectives of the onnx engine (SEED=${seed})`, () => {
  testCollectives(new TinyTraining({ depth: 1, pretext: 'masked' }), () => openOnnxEngine({ threads: 1 }));
});
