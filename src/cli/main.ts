import { explainError } from './errors.ts';
import { makeProgram } from './program.ts';
import { lostOutput, watchStreams } from './show/streams.ts';

const fail = (error: unknown) => {
  const { message, exitCode } = explainError(error, process.env.BEYOND_MASKING_DEBUG === '1');
  if (message) console.error(message);
  process.exitCode = exitCode;
};

watchStreams();
process.on('uncaughtException', (error) => {
  fail(error);
  process.exit();
});
/** Node's status where all that a program waits for is gone. */
const UNSETTLED = 13;
process.on('exit', () => {
  const lost = lostOutput();
  if (process.exitCode === UNSETTLED)
    fail(new Error('the command ended before its work was done: what it waited for is gone'));
  else if (lost !== undefined && !process.exitCode)
    fail(new Error(`the standard output cannot be written: ${lost}`));
});

try {
  await makeProgram().parseAsync();
} catch (error) {
  fail(error);
}
