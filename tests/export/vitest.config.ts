import { defineConfig } from 'vitest/config';

/** What needs Python packages: see run-python.mjs. */
export default defineConfig({
  test: {
    include: ['tests/export/*.check.ts'],
    testTimeout: 600_000,
    pool: 'forks',
    allowOnly: false,
    reporters: ['default', './tests/support/no-skips.ts'],
  },
});
