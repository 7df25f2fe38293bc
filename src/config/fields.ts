import { z } from 'zod';
import { filters } from '../image/view.ts';
import { nameFault, taskNames } from '../tasks/table.ts';

/*
 * Types of settings. Each states its rule once, as the end of the sentence "<setting> must …, got …".
 */

/** A whole number of at least `min`. */
export function whole(min: number) {
  const error = `must be a whole number of at least ${min}`;
  return z.number({ error }).refine((n) => Number.isSafeInteger(n) && n >= min, { error });
}

/** A number of at least `min`. */
export function atLeast(min: number) {
  const error = `must be a number of at least ${min}`;
  return z.number({ error }).refine((n) => Number.isFinite(n) && n >= min, { error });
}

/** A number above 0. */
export function positive() {
  const error = 'must be a number above 0';
  return z.number({ error }).refine((n) => Number.isFinite(n) && n > 0, { error });
}

/** A number in [0, 1). */
export function fraction() {
  const error = 'must lie in [0, 1)';
  return z.number({ error }).refine((n) => n >= 0 && n < 1, { error });
}

/** A number in [0, 1]. */
export function probability() {
  const error = 'must lie in [0, 1]';
  return z.number({ error }).refine((n) => n >= 0 && n <= 1, { error });
}

/** A number in (0, 1]. */
export function share() {
  const error = 'must lie in (0, 1]';
  return z.number({ error }).refine((n) => n > 0 && n <= 1, { error });
}

/** Two numbers above 0, the smaller one first. */
export function range() {
  const error = 'must be two numbers above 0, the smaller one first';
  const end = z.number({ error });
  return z
    .tuple([end, end], { error })
    .refine(([low, high]) => low > 0 && low <= high && Number.isFinite(high), { error });
}

/** Two numbers, the smaller one first, which may be below 0; or an empty list. */
export function interval() {
  const error = 'must be two numbers, the smaller one first, or an empty list';
  const fits = (list: readonly number[]) =>
    list.length === 0 || (list.length === 2 && list.every(Number.isFinite) && list[0]! < list[1]!);
  return z.array(z.number({ error }), { error }).refine(fits, { error });
}

/** Height and width, whole and at least 1. */
export function size(unit: string) {
  const error = `must be [height, width] in ${unit}, whole and at least 1`;
  const side = z.number({ error }).refine((n) => Number.isSafeInteger(n) && n >= 1, { error });
  return z.tuple([side, side], { error });
}

/** Another project's evaluation view (`EvaluationView`), or null. */
export function view() {
  const error = 'must be null or an object of fit, resized, filter, border and rounding';
  const known = z.strictObject(
    {
      fit: oneOf(['cover', 'contain', 'stretch', 'keep']),
      resized: size('pixels'),
      filter: oneOf(filters),
      border: numbers(0),
      rounding: oneOf(['transformers', 'torchvision', 'timm']),
    },
    { error },
  );
  return z.union([z.null(), known], { error });
}

/** A list of at least `min` finite numbers. */
export function numbers(min: number) {
  const error = `must be a list of ${min} or more numbers`;
  return z.array(z.number({ error }), { error }).refine((list) => list.length >= min, { error });
}

/** One of some names. */
export function oneOf<const T extends readonly string[]>(names: T) {
  return z.enum(names, { error: `must be one of ${names.join(', ')}` });
}

/**
 * The name of a task, also of two degradations in a row.
 * @param more other names
 */
export function taskName(...more: readonly string[]) {
  return z.string({ error: nameFault('', more)! }).superRefine((name, context) => {
    const fault = more.includes(name) ? undefined : nameFault(name, more);
    const values = [...more, ...taskNames];
    if (fault) context.addIssue({ code: 'invalid_value', values, message: fault, input: name });
  });
}

/** Any text. */
export function text() {
  return z.string({ error: 'must be a text' });
}

/** True or false. */
export function flag() {
  return z.boolean({ error: 'must be true or false' });
}

/** A group of settings; each has a default, so a group may be left out. */
export function section<T extends z.ZodRawShape>(shape: T) {
  return z.strictObject(shape, { error: 'must be a group of settings' });
}
