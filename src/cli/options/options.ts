import { Option } from 'commander';
import { type EngineInput, engineNames } from '../../config/engine.ts';
import { parseConfig } from '../../config/schema.ts';
import { BrokenImages } from '../../data/load/broken.ts';
import type { Engine } from '../../engines/engine.ts';
import { openEngine } from '../../run/engine.ts';
import type { NoteEvent } from '../../run/events.ts';
import { type TrainingEvent, tensorboardLog } from '../../run/tensorboard.ts';
import { oneLine, terminalText } from '../../text/one-line.ts';
import { UsageError } from '../errors.ts';

/** A whole number of at least `min`. Throws UsageError for other text. */
export function wholeNumber(option: string, text: string, min = 0): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < min)
    throw new UsageError(`${option} must be a whole number of at least ${min}, got "${text}"`);
  return value;
}

/** The option that names an engine, by its earlier name too. @param purpose what it is for, where that is not plain */
export function engineOption(purpose = 'engine', usual?: string): Option {
  const option = new Option('--backend, --engine <name>', `${purpose}: ${engineNames.join(', ')}`);
  return usual === undefined ? option : option.default(usual);
}

/** The engine of that name, if one is named; prints its notice. Throws ConfigError for an unknown one. */
export async function optionalEngine(name: string | undefined): Promise<Engine | undefined> {
  if (name === undefined) return undefined;
  const settings = parseConfig({ engine: { name } as EngineInput }).engine;
  return announced(await openEngine(settings));
}

/** Prints an engine's notice. */
export function announced(engine: Engine): Engine {
  if (engine.notice !== undefined) tellNote(engine.notice);
  return engine;
}

/** Prints notes for the user on the standard error. */
export function tellNote(message: string): void {
  console.error(terminalText(message));
}

/** Reports broken images on the standard error. */
export function reportBroken(): BrokenImages {
  return new BrokenImages((id, reason) => console.error(`broken image skipped: ${oneLine(id)}: ${reason}`));
}

/** The option of every training command that `withTensorboard` is for. */
export function tensorboardOption(): Option {
  return new Option('--tensorboard', 'write events for TensorBoard to tensorboard/ in the folder of the run');
}

/** A listener for the events of a run that writes them for TensorBoard too, where wanted. */
export function withTensorboard<E extends TrainingEvent>(
  wanted: boolean | undefined,
  show: (event: E | NoteEvent) => void,
): (event: E) => void {
  if (!wanted) return show;
  const log = tensorboardLog((message) => show({ type: 'note', message }));
  return (event) => {
    show(event);
    log(event);
  };
}
