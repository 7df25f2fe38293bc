/**
 * An export of a user's module. Parts that run on other threads or in other processes are given like this, rather than as functions,
 * and are loaded where they run.
 */
export interface ModuleExport {
  /** URL of a module: `import.meta.resolve('./mine.js')`, or `import.meta.url` for the same file. */
  readonly module: string;
  /** Name of the export, a function that is called with `options`. Default: `default`. */
  readonly export?: string | undefined;
  /** Anything that JSON can hold. */
  readonly options?: unknown;
}

/** The same with the name by which settings record it. */
export interface NamedModule extends ModuleExport {
  readonly name: string;
}

/** A part of the user's own breaks a rule. The message names the part, the rule, what was got and the remedy. */
export class PartError extends Error {
  override readonly name = 'PartError';
}
