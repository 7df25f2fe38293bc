import { configDefaults, defineConfig } from 'vitest/config';
import { loadLibrary } from './src/engines/onednn/library.ts';
import { cpuPlugin } from './tests/support/xla.ts';

/**
 * Engines on libraries that npm does not bring: their tests run where the library is found. With `TEST_ENGINES=all`, as in
 * `.ci/run`, they always run, and fail where it is missing.
 */
const engines = [
  { folder: 'onednn', library: () => loadLibrary() },
  { folder: 'xla', library: () => cpuPlugin() },
];

const missing: string[] = [];
if (process.env.TEST_ENGINES !== 'all')
  for (const { folder, library } of engines) {
    const reason = await library().then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (reason === undefined) continue;
    console.log(`tests of the ${folder} engine are left out: ${reason}`);
    missing.push(folder);
  }

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
    exclude: [
      ...configDefaults.exclude,
      ...missing.flatMap((folder) => [`src/engines/${folder}/**`, `tests/${folder}/**`]),
    ],
    env: { LEFT_OUT_ENGINES: missing.join() },
    testTimeout: 120_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    allowOnly: false,
    reporters: ['default', './tests/support/no-skips.ts'],
  },
});
