import { Command } from 'commander';
import { advise } from '../../advise.ts';
import { parseSettings } from '../../config/parse.ts';
import { type ConfigInput, configSchema, parseConfig } from '../../config/schema.ts';
import { anySource } from '../../data/sources/table.ts';
import { openEngine } from '../../run/engine.ts';
import { shellLine } from '../../text/shell.ts';
import { announced, tellNote, wholeNumber } from '../options/options.ts';
import { addSetting, addShorthands, givenSettings, type Shorthands } from '../options/shorthands.ts';
import { parseDuration } from '../options/time-budget.ts';
import { describeAdvice, describeSurvey } from '../show/advice.ts';
import { withProgress } from '../show/with-progress.ts';

interface Options {
  budget: string;
  sample: string;
  initFrom?: string;
  engine?: string;
  set: string[];
  json?: boolean;
}

const shorthands = {
  '--engine <name>': 'engine.name',
} as const satisfies Shorthands;

export function adviseCommand(): Command {
  const command = new Command('advise')
    .description('look at images, and propose settings of pretrain that suit them and this machine')
    .argument('<source>', `images: ${anySource}`)
    .option('--budget <time>', 'time that training may take: 20m, 1h30m', '1h')
    .option('--init-from <model>', 'weights to start with, as of pretrain')
    .option('--sample <n>', 'most images that are read, chosen at random', '500');
  addShorthands(command, configSchema, shorthands);
  return addSetting(command, 'a setting that is fixed; may be repeated')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking advise ~/photos
  $ npx beyond-masking advise classes:~/flowers --budget 8h --set task.name=masked
  $ npx beyond-masking advise ~/photos --init-from mae_visualize_vit_base.pth --json

Nothing is written. \`pretrain --data\` without a recipe takes this advice and prints it.`,
    )
    .action(run);
}

async function run(source: string, options: Options): Promise<void> {
  const { budget, sample, initFrom, engine, set, json } = options;
  const given = givenSettings(options, shorthands, configSchema) as ConfigInput;
  parseSettings(configSchema, given); // wrong settings are refused before images are read
  const settings = parseConfig({ engine: given.engine }).engine;
  const seconds = parseDuration('--budget', budget);
  const most = wholeNumber('--sample', sample, 1);
  const found = await withProgress(
    async (watched) =>
      advise(source, {
        ...watched,
        given,
        seconds,
        initFrom,
        sample: most,
        engine: announced(await openEngine(settings, { fast: true })),
        onNote: tellNote,
      }),
    'nothing is kept',
  );
  if (!found) return;
  if (json) {
    const { config: _, ...shown } = found;
    console.log(JSON.stringify(shown, null, 2));
    return;
  }
  const start = initFrom === undefined ? [] : ['--init-from', initFrom];
  const fixed = set.flatMap((assignment) => ['--set', assignment]);
  const command = shellLine(
    'npx',
    'beyond-masking',
    'pretrain',
    '--data',
    source,
    '--budget',
    budget,
    ...(engine === undefined ? [] : ['--engine', engine]),
    ...start,
    ...fixed,
  );
  console.log(`${describeSurvey(found.survey)}\n\n${describeAdvice(found)}\n\n${command}`);
}
