import { advise, USUAL_SECONDS } from '../../advise.ts';
import { mergeSettings } from '../../config/merge.ts';
import { parseSettings } from '../../config/parse.ts';
import { type ConfigInput, configSchema, parseConfig } from '../../config/schema.ts';
import { absoluteSource } from '../../data/sources/open.ts';
import { checkedParts } from '../../parts/check.ts';
import { namesOf, type Parts } from '../../parts/parts.ts';
import { openEngine } from '../../run/engine.ts';
import { holdsRun, requireEmpty } from '../../run/folder.ts';
import { launchedWorld } from '../../run/world.ts';
import { UsageError } from '../errors.ts';
import { describeAdvice } from '../show/advice.ts';
import { withProgress } from '../show/with-progress.ts';
import { tellNote } from './options.ts';
import { parseDuration } from './time-budget.ts';
import type { RunFlags } from './training-options.ts';

/** A run that may need advice. */
export interface Unadvised {
  readonly recipe: string | undefined;
  readonly output: string;
  readonly given: ConfigInput;
  readonly parts: Parts | undefined;
  readonly options: RunFlags & { readonly budget?: string };
}

/** True if a model is spelled out by hand: no size is to be chosen. */
const isSized = ({ model }: ConfigInput): boolean => model?.width !== undefined && model.depth !== undefined;

/**
 * Settings for a new run without a recipe: they suit its images, and are printed with their reasons. Given settings win. A run whose model is
 * spelled out takes them only where `--budget` asks for them, as in the command that `advise` prints.
 * None for other runs; undefined where Ctrl-C stopped the reading of images. Throws UsageError for a time without advice.
 */
export async function advisedSettings(run: Unadvised): Promise<ConfigInput | undefined> {
  const { output, given, options } = run;
  const source = given.data?.source;
  const continues = options.resume !== undefined && (await holdsRun(output));
  if (options.budget === undefined && isSized(given)) return {};
  if (run.recipe !== undefined || !source || continues || launchedWorld()) {
    if (options.budget === undefined) return {};
    throw new UsageError(
      '--budget chooses settings for a new run of one process that names images (--data) and no recipe, got another run: ' +
        '--epochs makes it shorter',
    );
  }
  const seconds = options.budget === undefined ? USUAL_SECONDS : parseDuration('--budget', options.budget);
  const parts = await checkedParts(run.parts);
  const own = namesOf(parts);
  const named: ConfigInput = Object.keys(own).length > 0 ? mergeSettings(given, { own }) : given;
  parseSettings(configSchema, named); // what is wrong is refused before images are read
  await requireEmpty(output);
  const found = await withProgress(
    async (watched) =>
      advise(absoluteSource(source, { sources: parts.sources }), {
        ...watched,
        ...{ given: named, seconds, own: parts },
        ...{ sources: parts.sources, onNote: tellNote },
        engine:
          parts.engine ?? (await openEngine(parseConfig({ engine: given.engine }).engine, { fast: true })),
      }),
    'nothing was trained',
  );
  if (!found) return undefined;
  if (options.json) {
    const { config: _, ...shown } = found;
    console.log(JSON.stringify({ type: 'advice', ...shown }));
  } else
    console.log(
      `settings that suit ${source} (\`advise\` shows more; --set changes any):\n${describeAdvice(found)}\n`,
    );
  return found.settings;
}
