import { describe } from 'vitest';
import { testCollectives } from '../../../tests/support/collective-suite.ts';
import { testSessions } from '../../../tests/support/session-suite.ts';
import { seed, TinyTraining } from '../../../tests/support/tiny-training.ts';
import { referenceBackend } from './backend.ts';

describe(`sessions of the reference (SEED=${seed})`, () => {
  const training = new TinyTraining({ depth: 1, pretext: 'masked' });
  testSessions(training, async () => referenceBackend);
  testCollectives(training, async () => referenceBackend);
});
