import type { Command } from 'commander';
import { makeProgram } from '../../src/cli/program.ts';

/** The text of `--help` of every command. */
export function helpTexts(command = makeProgram()): string[] {
  const texts: string[] = [];
  command.configureOutput({ writeOut: (text) => texts.push(text) });
  command.outputHelp();
  return [texts.join(''), ...command.commands.flatMap((each) => helpTexts(each as Command))];
}
