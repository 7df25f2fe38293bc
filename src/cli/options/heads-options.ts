import type { Command } from 'commander';
import type { ForeignOptions } from '../../weights/in/foreign.ts';
import { wholeNumber } from './options.ts';

/** What the shapes of weights do not tell. */
export interface HeadsOptions {
  heads?: string;
  decoderHeads?: string;
}

export function addHeadsOptions(command: Command): Command {
  return command
    .option('--heads <n>', "attention heads, where another project's file does not tell")
    .option('--decoder-heads <n>', 'the same of its decoder');
}

/** The same, as library calls take them. Throws UsageError. */
export function headsOptions({ heads, decoderHeads }: HeadsOptions): ForeignOptions {
  return {
    heads: heads === undefined ? undefined : wholeNumber('--heads', heads, 1),
    decoderHeads: decoderHeads === undefined ? undefined : wholeNumber('--decoder-heads', decoderHeads, 1),
  };
}
