import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseConfig } from '../src/config/schema.ts';
import { hasBf16 } from '../src/engines/onednn/cpu.ts';
import { openOneDnnEngine } from '../src/engines/onednn/engine.ts';
import { installedLibrary } from '../src/engines/onednn/library.ts';
import { openEngine } from '../src/run/engine.ts';
import { hideSystemOneDnn } from './support/hide-onednn.ts';
import { isMissing, oneDnnFolder } from './support/libraries.ts';
import { testOperations } from './support/operations-suite.ts';
import { seed } from './support/random.ts';
import { testSessions } from './support/session-suite.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { TinyTraining } from './support/tiny-training.ts';

const name = 'oneDNN by setup';

describe.skipIf(isMissing(name))(`the installed oneDNN (SEED=${seed})`, () => {
  const folder = temporaryFolder();
  beforeAll(() => hideSystemOneDnn(join(folder, 'hidden')));
  afterAll(() => {
    vi.unstubAllEnvs();
  });
  const open = () => openOneDnnEngine({ threads: 2, folder: oneDnnFolder });

  it('is what auto takes where the system has none', async () => {
    const engine = await openEngine(parseConfig({ engine: { name: 'auto', threads: 1 } }).engine);
    expect(engine).toMatchObject({ name: 'onednn', description: 'oneDNN 3.2.0 (f32, 1 thread)' });
    expect(engine).toMatchObject({ library: installedLibrary(oneDnnFolder) });
    expect(engine.notice).toBeUndefined();
  });

  it('takes the fast precision of the CPU only where it is asked to', async () => {
    const precisions = ['auto', 'f32'] as const;
    const opened = precisions.map((precision) =>
      openEngine({ name: 'onednn', precision, threads: 1 }, { fast: true }),
    );
    const [automatic, given] = await Promise.all(opened);
    expect(automatic!.precision).toBe(hasBf16() ? 'bf16' : 'f32');
    expect(given!.precision).toBe('f32');
  });

  describe('trains as the reference does', () => {
    testSessions(new TinyTraining({ depth: 2, pretext: 'masked+zoomed-in' }), open);
  });

  describe('computes what the reference does', () => {
    testOperations({ open, tolerance: 1e-5, draws: 4 });
  });
});
