import type { Reporter, TestModule } from 'vitest/node';
import { libraries, missingLibraries } from './libraries.ts';

/**
 * Fails the run if a test is skipped that no missing library excuses, because a skipped test checks nothing. Fails
 * it too for an excuse that excuses no test, so that a misspelt one is seen where nothing is skipped. Ends with a
 * plain line of counts for logs.
 */
export default class NoSkips implements Reporter {
  async onTestRunEnd(modules: readonly TestModule[]): Promise<void> {
    const missing = await missingLibraries();
    const excused = libraries.filter(({ name }) => missing.includes(name)).flatMap(({ tests }) => tests);
    const skipped = modules.flatMap((module) =>
      [...module.children.allTests('skipped')].map((test) => `${module.relativeModuleId} > ${test.fullName}`),
    );
    for (const name of skipped.filter((name) => !excused.some((beginning) => name.startsWith(beginning)))) {
      console.error(`a skipped test needs a missing library in tests/support/libraries.ts, got: ${name}`);
      process.exitCode = 1;
    }
    const names = modules.flatMap((module) =>
      [...module.children.allTests()].map((test) => `${module.relativeModuleId} > ${test.fullName}`),
    );
    for (const { tests } of libraries)
      for (const beginning of tests) {
        const ran = modules.some(({ relativeModuleId }) => beginning.startsWith(`${relativeModuleId} > `));
        if (!ran || names.some((name) => name.startsWith(beginning))) continue;
        console.error(`an entry of tests/support/libraries.ts must begin a test's name, got: ${beginning}`);
        process.exitCode = 1;
      }
    const count = (state: 'passed' | 'failed') =>
      modules.reduce((sum, module) => sum + [...module.children.allTests(state)].length, 0);
    console.log(`${count('passed')} passed, ${count('failed')} failed`);
    if (modules.some(({ relativeModuleId }) => relativeModuleId === 'tests/export/export.test.ts'))
      console.log('exports in Python are checked by `npm run test:exports -- PYTHON`, which .ci/run does');
  }
}
