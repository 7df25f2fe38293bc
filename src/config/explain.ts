import { z } from 'zod';
import { nearest, suggestion } from '../text/nearest.ts';
import { discriminator, forms, members, unwrap, valueAt } from './walk.ts';

/**
 * Explains each fault of settings in one line: `training.epochs must be a whole number of at least 1, got "many"`. For an unknown
 * key it suggests the nearest known one.
 */
export function explain(issues: readonly z.core.$ZodIssue[], input: unknown, schema: z.ZodType): string {
  return issues.flatMap((issue) => lines(issue, input, schema)).join('\n');
}

function lines(issue: z.core.$ZodIssue, input: unknown, schema: z.ZodType): string[] {
  const path = issue.path;
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(membersAt(schema, path));
    return issue.keys.map(
      (key) => otherForm([...path, key], input, schema) ?? unknownKey([...path, key], known),
    );
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) return ofUnion(issue, input, schema);
  const name = path.length === 0 ? 'settings' : join(path);
  const got = valueAt(input, path);
  const hint = suggestion(String(got), namesIn(issue, schema));
  return [`${name} ${issue.message}, got ${brief(got)}${hint}`];
}

/** The names that a value may have; empty for other rules. */
function namesIn(issue: z.core.$ZodIssue, schema: z.ZodType): string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  const group = issue.code === 'invalid_union' ? schemaAt(schema, issue.path.slice(0, -1)) : undefined;
  return [...((group && forms(group)?.keys()) ?? [])];
}

/** The message about a setting that exists only in another form of its group; undefined if no form has it. */
function otherForm(path: readonly PropertyKey[], input: unknown, schema: z.ZodType): string | undefined {
  const group = path.slice(0, -1);
  const union = schemaAt(schema, group);
  const variants = (union && forms(union)) ?? new Map<string, object>();
  const having = [...variants].filter(([, shape]) => String(path.at(-1)) in shape).map(([name]) => name);
  if (having.length === 0) return undefined;
  const decides = [...group, discriminator(union!)!];
  const got = valueAt(input, decides) ?? [...variants.keys()][0];
  return (
    `${join(path)} takes ${join(decides)} ${having.join(' or ')}, got ${got}: ` +
    `set ${join(decides)}=${having[0]}, or leave ${join(path)} out`
  );
}

/** The message about a value of a union: explains the form whose type matches the value. */
function ofUnion(issue: z.core.$ZodIssueInvalidUnion, input: unknown, schema: z.ZodType): string[] {
  const isGroup = (value: unknown) => typeof value === 'object' && value !== null;
  const ofType = (issues: readonly z.core.$ZodIssue[]) =>
    !issues.some(({ path, code }) => path.length === 0 && code === 'invalid_type');
  const group = isGroup(valueAt(input, issue.path));
  const forms = issue.errors.filter((issues) => ofType(issues));
  const meant = (group ? forms.at(-1) : forms[0]) ?? issue.errors[0]!;
  const placed = meant.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
  return explain(placed, input, schema).split('\n');
}

/** The message about a key that does not exist among `known` ones. */
export function unknownKey(path: readonly PropertyKey[], known: readonly string[]): string {
  const group = path.slice(0, -1);
  const meant = nearest(String(path.at(-1)), known);
  const hint = meant
    ? `did you mean "${join([...group, meant])}"?`
    : `${group.length === 0 ? 'there are' : `${join(group)} has`} ${known.join(', ')}`;
  return `unknown setting "${join(path)}" (${hint})`;
}

function membersAt(schema: z.ZodType, path: readonly PropertyKey[]): Readonly<Record<string, z.ZodType>> {
  const at = schemaAt(schema, path);
  return (at && members(at)) ?? {};
}

function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType | undefined {
  let at: z.ZodType | undefined = schema;
  for (const key of path) at = typeof key === 'number' ? elementOf(at) : at && members(at)?.[String(key)];
  return at;
}

/** Schema of a list's elements; of several forms, the group of settings. */
function elementOf(list: z.ZodType | undefined): z.ZodType | undefined {
  const array = list && unwrap(list);
  if (!(array instanceof z.ZodArray)) return undefined;
  const element = array.element as z.ZodType;
  if (!(element instanceof z.ZodUnion)) return element;
  return (element.options as z.ZodType[]).find((form) => members(form));
}

/** `imageSize[0]` for positions in lists, dots elsewhere. */
function join(path: readonly PropertyKey[]): string {
  return path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i > 0 ? '.' : ''}${String(key)}`))
    .join('');
}

function brief(value: unknown): string {
  if (value === undefined) return 'nothing';
  const json = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return json.length > 80 ? `${json.slice(0, 77)}...` : json;
}
