import { readFile, stat } from 'node:fs/promises';
import type { z } from 'zod';
import { FileFormatError } from '../../io/file-format-error.ts';

/** A list of the names of 21,000 classes has 1 MB. */
const MAX_JSON_BYTES = 20_000_000;

/** Throws FileFormatError for what is not JSON. */
export function jsonOf(path: string, text = '{}'): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FileFormatError(path, 'settings must be JSON', (error as Error).message);
  }
}

/** An object from a JSON file; undefined where there is none, or it is something else. */
export async function readJson(path: string): Promise<object | undefined> {
  try {
    const { size } = await stat(path);
    if (size > MAX_JSON_BYTES)
      throw new FileFormatError(path, `it must have at most ${MAX_JSON_BYTES} bytes`, size);
    const json = jsonOf(path, await readFile(path, 'utf8'));
    return typeof json === 'object' && json !== null ? json : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** An object by a schema. Throws FileFormatError that names the field which breaks it. */
export function parse<T>(path: string, schema: z.ZodType<T>, json: object): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const { path: keys, message } = result.error.issues[0]!;
  const got = keys.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)?.[key], json);
  throw new FileFormatError(path, `${keys.join('.')}: ${message}`, got);
}
