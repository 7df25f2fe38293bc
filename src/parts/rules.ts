import { PartError } from '../modules/module-export.ts';

/** Name of a part in errors: `the own task "mine"`. */
export type Label = string;

/** Throws PartError unless the rule holds. @param got what was found instead */
export function require(holds: boolean, label: Label, rule: string, got: unknown): asserts holds {
  if (!holds) throw new PartError(`${label} must ${rule}, got ${show(got)}`);
}

/** Calls a function of the user's own; what it throws names the part. */
export function call<T>(label: Label, method: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof PartError) throw error;
    throw new PartError(`${label} failed in ${method}: ${error instanceof Error ? error.message : error}`);
  }
}

/** Says in words what was got. */
export class Words {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A value in a few words. */
export function show(value: unknown): string {
  if (value instanceof Words) return value.text;
  if (typeof value === 'string') return `"${value}"`;
  if (Array.isArray(value)) return `[${value.join(', ')}]`;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${(value as Uint8Array).length}`;
  if (typeof value === 'object' && value !== null && 'shape' in value) return `shape ${show(value.shape)}`;
  return typeof value === 'object' || typeof value === 'function'
    ? typeof (value ?? undefined)
    : String(value);
}

/** Throws PartError unless all of a list are objects with different names. */
export function requireNames(
  kind: string,
  parts: unknown,
  key: 'name' | 'scheme',
  taken: readonly string[] = [],
): void {
  require(Array.isArray(parts), `parts.${kind}`, 'be a list of objects', parts);
  const seen = new Set<string>();
  for (const part of parts as Partial<Record<string, unknown>>[]) {
    const name = part?.[key];
    const label = `an object of parts.${kind}`;
    const valid = typeof name === 'string' && /^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(name);
    require(valid, label, `have a ${key} of letters, digits, ".", "_" or "-"`, name);
    require(!taken.includes(
      name,
    ), label, `have a ${key} that the library has not, other than ${taken.join(', ')}`, name);
    require(!seen.has(name), label, `have a ${key} that no other has`, new Words(`"${name}" twice`));
    seen.add(name);
  }
}

/** Throws PartError unless an object has these methods. @param remedy how to get them */
export function requireMethods(part: object, label: Label, names: readonly string[], remedy: string): void {
  for (const name of names) {
    const found = (part as Record<string, unknown>)[name];
    if (typeof found !== 'function')
      throw new PartError(`${label} must have a method ${name}, got ${show(found)}: ${remedy}`);
  }
}
