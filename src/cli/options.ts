import type { Backend } from '../backends/backend.ts';
import { type Config, parseConfig } from '../config/schema.ts';
import { BrokenImages } from '../data/broken.ts';
import { openEngine } from '../train/engine.ts';
import { UsageError } from './errors.ts';

/** A whole number of at least `min`. Throws UsageError for other text. */
export function wholeNumber(option: string, text: string, min = 0): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < min)
    throw new UsageError(`${option} must be a whole number of at least ${min}, got "${text}"`);
  return value;
}

/** The engine of that name, if one is named. Throws ConfigError for an unknown one. */
export async function optionalEngine(name: string | undefined): Promise<Backend | undefined> {
  if (name === undefined) return undefined;
  return openEngine(parseConfig({ engine: { name: name as Config['engine']['name'] } }).engine);
}

/** Tells of broken images on the standard error. */
export function reportBroken(): BrokenImages {
  return new BrokenImages((id, reason) => console.error(`broken image skipped: ${id}: ${reason}`));
}
