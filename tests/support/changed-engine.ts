import type { Engine } from '../../src/engines/engine.ts';
import { referenceEngine } from '../../src/engines/reference/engine.ts';
import type { Program, Values } from '../../src/graph/index.ts';

/** The reference engine with other outputs of its programs, for tests that such outputs are noticed. */
export const changedEngine = (change: (program: Program, outputs: Values) => Values): Engine => ({
  ...referenceEngine,
  async open(state) {
    const session = await referenceEngine.open(state);
    const original = session.run.bind(session);
    const run: typeof session.run = async (program, inputs) =>
      change(program, await original(program, inputs));
    return Object.assign(session, { run });
  },
});
