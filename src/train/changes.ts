import type { Config } from '../config/schema.ts';
import { configSchema } from '../config/schema.ts';
import { settings, valueAt } from '../config/walk.ts';
import { RunError } from './error.ts';

/** Settings that may change when a run goes on: they say how long, how watched and by what, not what is trained. */
const CHANGEABLE = [
  /^training\.(epochs|maxSteps|learningRate|minLearningRate|clip|nonFinite)$/,
  /^(checkpoints|evaluation|engine)\./,
  /^data\.source$/,
];

/**
 * Compares the settings of a run with those it is to go on with. Returns a line for each change; throws RunError,
 * naming every one, when a change would make another run of it.
 */
export function checkChanges(before: Config, after: Config): string[] {
  const changes = settings(configSchema)
    .map(({ path }) => {
      const [was, is] = [before, after].map((config) => JSON.stringify(valueAt(config, path.split('.'))));
      return { path, was, is };
    })
    .filter(({ was, is }) => was !== is);
  const refused = changes.filter(({ path }) => !CHANGEABLE.some((pattern) => pattern.test(path)));
  if (refused.length > 0)
    throw new RunError(
      `a run must go on with its own settings, got ${refused.map(said).join(', ')}: ` +
        'start another run in a new folder, from these weights with --init-from',
    );
  return changes.map(said);
}

const said = ({ path, was, is }: { path: string; was?: string | undefined; is?: string | undefined }) =>
  `${path} ${was} → ${is}`;
