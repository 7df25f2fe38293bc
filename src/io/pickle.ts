import { FileFormatError } from './file-format-error.ts';
import { operations } from './pickle-operations.ts';
import { PickleStack } from './pickle-stack.ts';
import { type Pickled, PickleFault, type Vocabulary } from './pickle-values.ts';

/** Limit of operations, which bounds time and memory. A tensor takes about 30. */
const MAX_OPERATIONS = 1_000_000;
const STOP = 0x2e;

/**
 * Reads a pickle (Python's `pickle`, protocols 2 to 5) as data, by a stack machine without recursion. Executes no
 * code. `file` names it in errors. Throws FileFormatError for an unknown operation or name, and for malformed data.
 */
export function readPickle(bytes: Uint8Array, vocabulary: Vocabulary, file: string): Pickled {
  const stack = new PickleStack(bytes);
  try {
    for (let count = 0; count < MAX_OPERATIONS; count++) {
      const code = stack.uint(1);
      if (code === STOP) return stack.pop();
      const operation = operations[code];
      if (!operation)
        throw new PickleFault('a pickle may hold known operations only', `0x${code.toString(16)}`);
      operation(stack, vocabulary);
    }
    throw new PickleFault(`a pickle must have at most ${MAX_OPERATIONS} operations`, 'more');
  } catch (error) {
    if (!(error instanceof PickleFault)) throw error;
    throw new FileFormatError(file, error.rule, error.got);
  }
}
