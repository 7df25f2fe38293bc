import type { Reporter, TestModule } from 'vitest/node';

/** Full names of tests that may be skipped: those that need a GPU. */
const allowed: readonly string[] = [];

/**
 * Fails the run when a test is skipped that is not on the list: what does not run checks nothing. Ends with a plain line of
 * counts, for those who read logs.
 */
export default class NoSkips implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) =>
      [...module.children.allTests('skipped')].map((test) => `${module.relativeModuleId} > ${test.fullName}`),
    );
    for (const name of skipped.filter((name) => !allowed.includes(name))) {
      console.error(`skipped tests must be on the list in tests/support/no-skips.ts, got: ${name}`);
      process.exitCode = 1;
    }
    const count = (state: 'passed' | 'failed') =>
      modules.reduce((sum, module) => sum + [...module.children.allTests(state)].length, 0);
    console.log(`${count('passed')} passed, ${count('failed')} failed`);
    if (modules.some(({ relativeModuleId }) => relativeModuleId === 'tests/export/export.test.ts'))
      console.log('exports in Python are checked by `npm run test:exports -- PYTHON`, which .ci/run does');
  }
}
