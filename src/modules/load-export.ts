import { type ModuleExport, PartError } from './module-export.ts';

/**
 * Loads a function of a module on this thread.
 * @param what names it in errors: `a collective's module`
 * Rejects with a PartError where the module does not load, or has no such function.
 */
export async function loadExport<F>(
  { module, export: name = 'default' }: ModuleExport,
  what: string,
): Promise<F> {
  if (typeof module !== 'string' || !URL.canParse(module))
    throw new PartError(
      `${what} must be given as a URL, got "${module}"; import.meta.resolve("${module}") gives it`,
    );
  const found = await load(module, what);
  if (typeof found[name] !== 'function')
    throw new PartError(`${what} must export a function "${name}", got ${typeof found[name]} in ${module}`);
  return found[name] as F;
}

async function load(module: string, what: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(module);
  } catch (error) {
    throw new PartError(`${what} must load, got "${error instanceof Error ? error.message : error}"`);
  }
}
