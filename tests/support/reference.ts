import type { Backend } from '../../src/backends/backend.ts';
import { narrow } from '../../src/backends/reference/data.ts';
import { evaluateProgram } from '../../src/backends/reference/evaluate.ts';

/** The reference evaluator behind an engine's interface, as far as running programs goes. */
export const reference: Backend = {
  name: 'reference',
  description: 'float64 loops',
  open: async (state) => {
    const unused = () => Promise.reject(new Error('not needed here'));
    return {
      run: async (program, inputs) => {
        const outputs = evaluateProgram(program, { ...state, ...inputs });
        return Object.fromEntries(Object.entries(outputs).map(([name, data]) => [name, narrow(data)]));
      },
      step: unused,
      read: unused,
      write: unused,
      dispose: async () => {},
    };
  },
};
