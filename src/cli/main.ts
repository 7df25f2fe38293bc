import { explainError } from './errors.ts';
import { makeProgram } from './program.ts';

// A reader that goes away, as `head` does, ends the command as SIGTERM does: a run is saved first.
let unread = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  if (!unread) process.kill(process.pid, 'SIGTERM');
  unread = true;
});

try {
  await makeProgram().parseAsync();
} catch (error) {
  const { message, exitCode } = explainError(error, process.env.BEYOND_MASKING_DEBUG === '1');
  if (message) console.error(message);
  process.exitCode = exitCode;
}
