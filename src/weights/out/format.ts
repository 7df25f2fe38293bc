import type { Model } from '../model.ts';
import type { Part } from './part.ts';

/** What a model becomes: its files but the card, and what the card says of them. */
export interface Format {
  /** What the format has a place for. */
  readonly parts: readonly Part[];
  /** Writes the files into a folder that exists. Throws ExportError where the format cannot hold the model. */
  write(model: Model, part: Part, folder: string): Promise<Written>;
}

export interface Written {
  /** Library that loads the files, as the Hugging Face Hub names it. */
  readonly library: string;
  /** How the files are loaded, in Markdown. `PATH` stands for the folder. */
  readonly usage: string;
  /** What a user should know of the files, a sentence each. */
  readonly notes: readonly string[];
}

/** A JSON file's text. */
export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** A block of code in Markdown. */
export const block = (language: string, lines: readonly string[]): string =>
  [`\`\`\`${language}`, ...lines, '```'].join('\n');

/** Hidden width of an MLP. */
export const hiddenWidth = (width: number, mlpRatio: number): number => Math.round(width * mlpRatio);
