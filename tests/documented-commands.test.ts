import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { makeProgram } from '../src/cli/program.ts';
import { helpTexts } from './support/help-texts.ts';

const repository = fileURLToPath(new URL('..', import.meta.url));

/** Words before a command that start it, on several ranks where they are a launcher's. */
const LAUNCHED = '(?:(?:mpirun|srun) (?:-\\S+ (?:\\d+ )?)*)?(?:npx |node_modules/\\.bin/)?';

/** Commands of a text, with the words of each: lines that begin with one, and what stands in backticks. */
function commandsOf(text: string): string[][] {
  const whole = text.replace(/\s*\\\n\s*/g, ' ');
  const lines = [...whole.matchAll(new RegExp(`^[ $]*${LAUNCHED}beyond-masking (?!:)(.*)$`, 'gm'))];
  const inline = [...whole.matchAll(new RegExp(`\`${LAUNCHED}beyond-masking ([^\`\n]*)\``, 'g'))];
  return [...lines, ...inline].map(([, words]) => wordsOf(words!)).filter((words) => words.length > 0);
}

/** Words as a shell makes them, without the comment or description behind them; what stands in brackets is given. */
function wordsOf(line: string): string[] {
  const words = [...line.replace(/(\s#| {2}).*$|[[\]]/g, '').matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)];
  return words.map(([, single, double, plain]) => single ?? double ?? plain!);
}

/** The program; its commands parse and do nothing. */
function parser(): Command {
  const program = makeProgram();
  const quiet = (command: Command): void => {
    command.configureOutput({ writeOut: () => {}, writeErr: () => {} });
    if (command.commands.length === 0) command.action(() => {});
    command.commands.forEach(quiet);
  };
  quiet(program);
  return program;
}

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(`${repository}docs`).map((name) => `docs/${name}`),
];
const texts: [string, string][] = [
  ...pages
    .filter((page) => page.endsWith('.md'))
    .map((page): [string, string] => [page, readFileSync(`${repository}${page}`, 'utf8')]),
  ['--help', helpTexts().join('\n')],
];
const commands = texts.flatMap(([page, text]) =>
  commandsOf(text).map((words): [string, string[]] => [`${page}: ${words.join(' ')}`, words]),
);

it('commands are found', () => {
  expect(commands.length).toBeGreaterThan(60);
  expect(
    commandsOf('```sh\nnpx beyond-masking a \\\n  --b "c d"   # e\n```\nsee `beyond-masking f`'),
  ).toEqual([['a', '--b', 'c d'], ['f']]);
  expect(
    commandsOf(
      'mpirun -np 2 npx beyond-masking a --b 1\nsrun -K --mpi=pmix -n 8 node_modules/.bin/beyond-masking c\n`mpirun -np 2 npx beyond-masking d`',
    ),
  ).toEqual([['a', '--b', '1'], ['c'], ['d']]);
});

it.each([...new Map(commands)])('%s', async (_, words) => {
  await parser().parseAsync(words, { from: 'user' });
});

it.each([['pretrian'], ['pretrain', '--recpie', 'x'], ['setup', 'cuda12'], ['inspect']])(
  'a command that does not exist is noticed: %s',
  async (...words) => {
    await expect(parser().parseAsync(words, { from: 'user' })).rejects.toThrow();
  },
);
