import { configDefaults, defineConfig } from 'vitest/config';
import { libraries, missingLibraries, testsOfLibraries } from './tests/support/libraries.ts';

const missing = await missingLibraries();
const leftOut = libraries.filter(
  ({ name, folders, tests }) => missing.includes(name) && folders.length + tests.length > 0,
);
for (const { name, folders, tests } of leftOut)
  console.log(`not here: ${name}; left out: ${[...folders, ...tests].join(', ')}`);

export default defineConfig({
  test: {
    include:
      process.env.TEST_ENGINES === 'libraries'
        ? testsOfLibraries()
        : ['src/**/*.test.ts', 'tests/**/*.test.ts'],
    exclude: [
      ...configDefaults.exclude,
      ...leftOut.flatMap(({ folders }) => folders.map((folder) => `${folder}**`)),
    ],
    env: { MISSING_LIBRARIES: missing.join('|') },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    allowOnly: false,
    reporters: ['default', './tests/support/no-skips.ts'],
  },
});
