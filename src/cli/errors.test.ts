import { expect, it } from 'vitest';
import { ConfigError } from '../config/error.ts';
import { DataError } from '../data/error.ts';
import { explainError } from './errors.ts';

it.each([
  [new DataError("no such file: '\u001b[31mred\u0007.jpg'"), "error: no such file: '\\e[31mred\\u{7}.jpg'"],
  [
    new ConfigError('a must be 1, got "\u009b2J"\nb must be 2'),
    'error: a must be 1, got "\\u{9b}2J"\nb must be 2',
  ],
  [
    Object.assign(new Error('x'), { code: 'ENAMETOOLONG', path: 'y'.repeat(5000) }),
    `error: the name is too long: ${'y'.repeat(100)}…${'y'.repeat(100)}`,
  ],
  ['\u202ethrown', 'error: \\u{202e}thrown'],
])('error %# is printed short, and commands no terminal', (error, message) => {
  expect(explainError(error, false).message).toBe(message);
});
