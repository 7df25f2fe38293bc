import { describe } from 'vitest';
import { testCollectives } from '../../../tests/support/collective-suite.ts';
import { seed } from '../../../tests/support/random.ts';
import { testSessions } from '../../../tests/support/session-suite.ts';
import { TinyTraining } from '../../../tests/support/tiny-training.ts';
import { referenceEngine } from './engine.ts';

describe(`sessions of the reference (SEED=${seed})`, () => {
  const training = new TinyTraining({ depth: 1, pretext: 'masked' });
  testSessions(training, async () => referenceEngine);
  testCollectives(training, async () => referenceEngine);
});
