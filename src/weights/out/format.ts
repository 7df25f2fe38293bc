import type { Model } from '../model.ts';
import type { Part } from './part.ts';

/** An export format: writes all files except the model card. */
export interface Format<P extends Part = Part> {
  /** Parts that the format supports. */
  readonly parts: readonly P[];
  /** Writes the files into an existing folder. Throws ExportError if the format does not support the model. */
  write(model: Model, part: P, folder: string): Promise<Written>;
}

export interface Written {
  /** Library that loads the files, by the Hugging Face Hub's name. */
  readonly library: string;
  /** How to load the files, in Markdown. `PATH` is a placeholder for the folder. */
  readonly usage: string;
  /** Notes for the user about the files, one sentence each. */
  readonly notes: readonly string[];
}

/** Names of the head's classes by number. Unknown names are made from the number. */
export function classNamesOf({ classifier, segmenter, detector, classes }: Model): string[] {
  const count = (segmenter ?? detector ?? classifier)!.classes;
  return Array.from({ length: count }, (_, i) => classes?.[i] ?? `LABEL_${i}`);
}

/** A JSON file's text. */
export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** A block of code in Markdown. */
export const block = (language: string, lines: readonly string[]): string =>
  [`\`\`\`${language}`, ...lines, '```'].join('\n');

/** Hidden width of an MLP. */
export const hiddenWidth = (width: number, mlpRatio: number): number => Math.round(width * mlpRatio);
