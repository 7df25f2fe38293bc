import { PartError } from '../modules/module-export.ts';

/** Throws PartError where settings hold a function: an object of the user's own in place of its name. */
export function refuseObjects(settings: unknown, path = ''): void {
  if (typeof settings === 'function')
    throw new PartError(
      `settings must be plain values, got a function as ${path}: hand an object of your own in with { parts: { tasks: [mine] } } ` +
        "and name it in the settings, { task: { name: 'mine' } }",
    );
  if (typeof settings !== 'object' || settings === null || ArrayBuffer.isView(settings)) return;
  for (const [key, value] of Object.entries(settings)) refuseObjects(value, path ? `${path}.${key}` : key);
}
