import { z } from 'zod';

/** A setting of the schema, flat. */
export interface Setting {
  /** `training.epochs` */
  readonly path: string;
  readonly default: unknown;
  readonly description: string;
  readonly schema: z.ZodType;
}

/** A schema without its default, and without the leave to be absent. */
export function unwrap(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional
    ? unwrap(schema.unwrap() as z.ZodType)
    : schema;
}

/** The members of a group of settings; undefined for a single setting. */
export function members(schema: z.ZodType): Readonly<Record<string, z.ZodType>> | undefined {
  const inner = unwrap(schema);
  return inner instanceof z.ZodObject ? (inner.shape as Record<string, z.ZodType>) : undefined;
}

/** All settings below a schema, in the order in which they are declared. */
export function settings(schema: z.ZodType, prefix = ''): Setting[] {
  return Object.entries(members(schema) ?? {}).flatMap(([key, member]) => {
    const path = prefix + key;
    if (members(member)) return settings(member, `${path}.`);
    const value = member instanceof z.ZodDefault ? member.def.defaultValue : undefined;
    return [{ path, default: value, description: member.description ?? '', schema: member }];
  });
}

/** The value at a path; undefined where it leads nowhere. */
export function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return value;
}
