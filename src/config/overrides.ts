import { z } from 'zod';
import { ConfigError } from './error.ts';
import { unknownKey } from './explain.ts';
import { mergeSettings } from './merge.ts';
import { type ConfigInput, configSchema } from './schema.ts';
import { members, settings, unwrap } from './walk.ts';

/**
 * Parses `key.path=value` into settings. The schema determines the value's type: `data.flip=0`, `model.image=32,32` or
 * `[32,32]`, `model.classToken=true`. Throws ConfigError for an unknown key (with the nearest one) or a missing `=`.
 * `parseConfig` checks the value's rule.
 */
export function parseOverride(assignment: string): ConfigInput {
  return parseSetting(assignment, configSchema) as ConfigInput;
}

/** Parses `key.path=value` for the settings of any schema. */
export function parseSetting(assignment: string, root: z.ZodType): object {
  const equals = assignment.indexOf('=');
  if (equals < 1) throw new ConfigError(`a setting must be written key.path=value, got "${assignment}"`);
  const path = assignment.slice(0, equals).trim().split('.');
  const schema = find(path, root);
  const value = typed(schema, assignment.slice(equals + 1).trim());
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object;
}

/** Merges settings; later layers win. Groups are merged, single settings and lists replaced. Undefined changes nothing. */
export function mergeConfig(...layers: readonly ConfigInput[]): ConfigInput {
  return mergeSettings(...layers);
}

function find(path: readonly string[], root: z.ZodType): z.ZodType {
  let schema = root;
  for (const [depth, key] of path.entries()) {
    const known = members(schema);
    if (!known || !Object.hasOwn(known, key)) {
      // A bare name may be a setting inside a group: `epochs` for `training.epochs`.
      const full = settings(root).find((setting) => setting.path.endsWith(`.${key}`));
      if (full) throw new ConfigError(`unknown setting "${path.join('.')}" (did you mean "${full.path}"?)`);
      throw new ConfigError(unknownKey(path.slice(0, depth + 1), Object.keys(known ?? {})));
    }
    schema = known[key]!;
  }
  if (members(schema)) {
    const known = Object.keys(members(schema)!).map((key) => `${path.join('.')}.${key}`);
    throw new ConfigError(
      `"${path.join('.')}" is a group of settings, name one of them: ${known.join(', ')}`,
    );
  }
  return schema;
}

/** Parses text as a value of the schema's type. Text that does not parse stays text, which the schema then rejects. */
function typed(schema: z.ZodType, text: string): unknown {
  const kind = unwrap(schema);
  if (kind instanceof z.ZodString || kind instanceof z.ZodEnum) return text;
  if (kind instanceof z.ZodTuple || kind instanceof z.ZodArray)
    return text
      .replace(/^\[(.*)\]$/s, '$1')
      .split(',')
      .map((item) => scalar(item.trim()));
  return scalar(text);
}

function scalar(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}
