import type { z } from 'zod';
import { withOwnEngineSettings } from './engine.ts';
import { ConfigError } from './error.ts';
import { explain } from './explain.ts';

/** Completes and checks settings against a schema. Throws ConfigError with each wrong setting, its rule and its value. */
export function parseSettings<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const result = schema.safeParse(withOwnEngineSettings(input));
  if (!result.success) throw new ConfigError(explain(result.error.issues, input, schema));
  return result.data;
}
