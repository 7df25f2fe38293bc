import { settingIn, settings } from '../config/walk.ts';
import { RunError } from './error.ts';
import type { RunConfig, RunKind } from './kind.ts';

/**
 * Compares the settings of a run with those of the resumed run. Returns a line for each change; throws RunError,
 * naming every one, when a change would make another run of it.
 */
export function checkChanges<C extends RunConfig>(kind: RunKind<C>, before: C, after: C): string[] {
  const changes = settings(kind.schema)
    .map((setting) => {
      const [was, is] = [before, after].map((config) => JSON.stringify(settingIn(config, setting)));
      return { path: setting.path, was, is };
    })
    .filter(({ was, is }) => was !== is);
  const refused = changes.filter(({ path }) => !kind.changeable.some((pattern) => pattern.test(path)));
  if (refused.length > 0)
    throw new RunError(
      `a run must keep its settings, got ${refused.map(said).join(', ')}: ` +
        `start another run in a new folder, from these weights with ${kind.startOption}`,
    );
  return changes.map(said);
}

const said = ({ path, was, is }: { path: string; was?: string | undefined; is?: string | undefined }) =>
  `${path} ${was} → ${is}`;
