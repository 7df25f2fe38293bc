import { z } from 'zod';

/** A setting of the schema, flat. */
export interface Setting {
  /** `training.epochs` */
  readonly path: string;
  readonly default: unknown;
  readonly description: string;
  readonly schema: z.ZodType;
  /** Where it is a setting of some forms of its group alone: their names, as `xla`. */
  readonly only?: readonly string[];
}

/** A schema without its default, and without the leave to be absent. */
export function unwrap(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional
    ? unwrap(schema.unwrap() as z.ZodType)
    : schema;
}

type Members = Readonly<Record<string, z.ZodType>>;

/** The members of a group of settings, of all its forms where it has several; undefined for a single setting. */
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
 * The forms of a group whose members follow from one of them, as those of an engine from its name: their members by that one's value,
 * the usual form first. Undefined for other schemas.
 */
export function forms(schema: z.ZodType): ReadonlyMap<string, Members> | undefined {
  const union = unwrap(schema);
  const key = discriminator(union);
  if (key === undefined) return undefined;
  const shapes = ((union as z.ZodUnion).options as z.ZodObject[]).map(({ shape }) => shape as Members);
  return new Map(shapes.map((shape) => [String((unwrap(shape[key]!) as z.ZodLiteral).value), shape]));
}

/** The member that decides the form of a group; undefined for other schemas. */
export function discriminator(schema: z.ZodType): string | undefined {
  const inner = unwrap(schema);
  return inner instanceof z.ZodDiscriminatedUnion ? inner.def.discriminator : undefined;
}

/** All settings below a schema, in the order in which they are declared. */
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

/** The value of a setting in settings; its default where their form of the group does not have it. */
export function settingIn(config: unknown, setting: Setting): unknown {
  return valueAt(config, setting.path.split('.')) ?? setting.default;
}

/** The value at a path; undefined where it leads nowhere. */
export function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return value;
}
