import { readFile, stat } from 'node:fs/promises';
import type { z } from 'zod';
import { FileFormatError } from '../../io/file-format-error.ts';

/** A list of 21,000 class names has 1 MB. */
const MAX_JSON_BYTES = 20_000_000;

/** Throws FileFormatError unless the text is JSON. */
export function jsonOf(path: string, text = '{}'): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FileFormatError(path, 'settings must be JSON', (error as Error).message);
  }
}

/** The object in a JSON file; undefined if there is no file, or its value is not an object. */
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

/** Parses an object by a schema. Throws FileFormatError, which names the wrong field. */
export function parse<T>(path: string, schema: z.ZodType<T>, json: object): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const { path: keys, message } = result.error.issues[0]!;
  const got = keys.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)?.[key], json);
  throw new FileFormatError(path, `${keys.join('.')}: ${message}`, got);
}
