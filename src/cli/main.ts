#!/usr/bin/env node
import { explainError } from './errors.ts';
import { makeProgram } from './program.ts';

try {
  await makeProgram().parseAsync();
} catch (error) {
  const { message, exitCode } = explainError(error, process.env.BEYOND_MASKING_DEBUG === '1');
  if (message) console.error(message);
  process.exitCode = exitCode;
}
