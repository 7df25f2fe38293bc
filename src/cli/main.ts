import { explainError } from './errors.ts';
import { makeProgram } from './program.ts';
import { failOnRank } from './show/ranks.ts';
import { lostOutput, watchStreams } from './show/streams.ts';

const show = (error: unknown, beginning = ''): number => {
  const { message, exitCode } = explainError(error, process.env.BEYOND_MASKING_DEBUG === '1');
  if (message) console.error(beginning + message);
  return exitCode;
};
const fail = (error: unknown) => failOnRank(error, (beginning) => show(error, beginning));

watchStreams();
process.on('uncaughtException', async (error) => {
  await fail(error);
  process.exit();
});
/** Node's status where all that a program waits for is gone. */
const UNSETTLED = 13;
process.on('exit', () => {
  const lost = lostOutput();
  if (process.exitCode === UNSETTLED)
    process.exitCode = show(
      new Error('the command ended before its work was done: what it waited for is gone'),
    );
  else if (lost !== undefined && !process.exitCode)
    process.exitCode = show(new Error(`the standard output cannot be written: ${lost}`));
});

try {
  await makeProgram().parseAsync();
} catch (error) {
  await fail(error);
}
