import { z } from 'zod';

/** A setting of the schema, with its full path. */
export interface Setting {
  /** `training.epochs` */
  readonly path: string;
  readonly default: unknown;
  readonly description: string;
  readonly schema: z.ZodType;
  /** The names of the forms that have the setting, such as `xla`; absent if all forms of its group have it. */
  readonly only?: readonly string[];
}

/** A schema without its default and optional wrappers. */
export function unwrap(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional
    ? unwrap(schema.unwrap() as z.ZodType)
    : schema;
}

type Members = Readonly<Record<string, z.ZodType>>;

/** The members of a group of settings, over all its forms; undefined for a single setting. */
export function members(schema: z.ZodType): Members | undefined {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) return inner.shape as Members;
  const variants = forms(inner);
  if (!variants) return undefined;
  const names = [...variants.keys()];
  const name = z
    .enum(names)
    .default(names[0]!)
    .describe(inner.description ?? '');
  return { ...Object.assign({}, ...variants.values()), [discriminator(inner)!]: name };
}

/**
 * The forms of a discriminated union, such as the engines: the members of each, by the discriminator's value. The default form comes
 * first. Undefined for other schemas.
 */
export function forms(schema: z.ZodType): ReadonlyMap<string, Members> | undefined {
  const union = unwrap(schema);
  const key = discriminator(union);
  if (key === undefined) return undefined;
  const shapes = ((union as z.ZodUnion).options as z.ZodObject[]).map(({ shape }) => shape as Members);
  return new Map(shapes.map((shape) => [String((unwrap(shape[key]!) as z.ZodLiteral).value), shape]));
}

/** The member that selects the form of a group; undefined for other schemas. */
export function discriminator(schema: z.ZodType): string | undefined {
  const inner = unwrap(schema);
  return inner instanceof z.ZodDiscriminatedUnion ? inner.def.discriminator : undefined;
}

/** All settings below a schema, in the order of their declaration. */
export function settings(schema: z.ZodType, prefix = ''): Setting[] {
  const variants = [...(forms(schema) ?? [])];
  return Object.entries(members(schema) ?? {}).flatMap(([key, member]) => {
    const path = prefix + key;
    if (members(member)) return settings(member, `${path}.`);
    const value = member instanceof z.ZodDefault ? member.def.defaultValue : undefined;
    const having = variants.filter(([, shape]) => key in shape).map(([name]) => name);
    return [
      {
        ...{ path, default: value, description: member.description ?? '', schema: member },
        ...(having.length < variants.length && { only: having }),
      },
    ];
  });
}

/** The value of a setting in a config; its default if the config's form of the group does not have it. */
export function settingIn(config: unknown, setting: Setting): unknown {
  return valueAt(config, setting.path.split('.')) ?? setting.default;
}

/** The value at a path; undefined if the path does not exist. */
export function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return value;
}
