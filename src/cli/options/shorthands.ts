import { type Command, Option } from 'commander';
import { z } from 'zod';
import { mergeSettings } from '../../config/merge.ts';
import { parseSetting } from '../../config/overrides.ts';
import { settings, unwrap } from '../../config/walk.ts';
import { engineOption } from './options.ts';

/**
 * Options that are short for a setting: the setting's path by the option's flags. The help is the setting's description, or another text
 * beside the path.
 */
export type Shorthands = Readonly<Record<string, string | readonly [path: string, text: string]>>;

/** Adds options that are short for settings. @param defaults whether the help says the defaults: no recipe changes them */
export function addShorthands(
  command: Command,
  schema: z.ZodType,
  shorthands: Shorthands,
  defaults = false,
): Command {
  const known = settings(schema);
  for (const [flags, meant] of Object.entries(shorthands)) {
    const path = pathOf(meant);
    const setting = known.find((each) => each.path === path);
    if (!setting) throw new RangeError(`an option must be short for a setting, got ${flags} for ${path}`);
    const usual = defaults && setting.default !== undefined ? ` (default: ${setting.default})` : '';
    const choices = unwrap(setting.schema);
    const named = choices instanceof z.ZodEnum ? `${choices.options.join(', ')}: ` : '';
    const text = typeof meant === 'string' ? `${named}${setting.description}${usual}` : meant[1];
    command.addOption(path === 'engine.name' ? engineOption() : new Option(flags, text));
  }
  return command;
}

/** Adds `--set`. */
export function addSetting(command: Command, text: string): Command {
  return command.option('--set <key=value>', text, collect, []);
}

/** Gathers an option that may be repeated. */
export function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

/** The settings of a command line; `--set` overrides the others. Throws ConfigError for an unknown one. */
export function givenSettings(
  options: { readonly set: readonly string[] },
  shorthands: Shorthands,
  schema: z.ZodType,
): object {
  const short = Object.entries(shorthands).flatMap(([flags, meant]) => {
    const value = (options as Readonly<Record<string, unknown>>)[new Option(flags).attributeName()];
    return value === undefined ? [] : [`${pathOf(meant)}=${value}`];
  });
  return mergeSettings(...[...short, ...options.set].map((assignment) => parseSetting(assignment, schema)));
}

/** The option that is short for a setting, as `--epochs`; undefined where there is none. */
export function shorthandOf(shorthands: Shorthands, path: string): string | undefined {
  const flags = Object.keys(shorthands).find((each) => pathOf(shorthands[each]!) === path);
  return flags && new Option(flags).long!;
}

function pathOf(meant: Shorthands[string]): string {
  return typeof meant === 'string' ? meant : meant[0];
}
