import { createRequire } from 'node:module';
import { Command } from 'commander';
import { adviseCommand } from './commands/advise.ts';
import { attentionCommand } from './commands/attention.ts';
import { benchCommand } from './commands/bench.ts';
import { cacheCommand } from './commands/cache.ts';
import { componentsCommand } from './commands/components.ts';
import { dataCommand } from './commands/data.ts';
import { detectCommand } from './commands/detect.ts';
import { doctorCommand } from './commands/doctor.ts';
import { embedCommand } from './commands/embed.ts';
import { exportCommand } from './commands/export.ts';
import { finetuneCommand } from './commands/finetune.ts';
import { inspectCommand } from './commands/inspect.ts';
import { knnCommand } from './commands/knn.ts';
import { linprobeCommand } from './commands/linprobe.ts';
import { listCommand } from './commands/list.ts';
import { neighboursCommand } from './commands/neighbours.ts';
import { predictCommand } from './commands/predict.ts';
import { pretrainCommand } from './commands/pretrain.ts';
import { previewCommand } from './commands/preview.ts';
import { reconstructCommand } from './commands/reconstruct.ts';
import { reportCommand } from './commands/report.ts';
import { segmentCommand } from './commands/segment.ts';
import { setupCommand } from './commands/setup.ts';
import { studyCommand } from './commands/study.ts';
import { refuseRanks } from './show/ranks.ts';

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

/** All commands. They throw instead of exiting; what they print themselves is their output. */
export function makeProgram(): Command {
  const program = new Command('beyond-masking')
    .description('Pre-train Vision Transformers by recovering degraded images.')
    .version(version)
    .showHelpAfterError('(add --help for help)')
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking pretrain --recipe cifar10-micro-masked-zoomed-in --quick
  $ npx beyond-masking pretrain --data ~/photos --output runs/photos
  $ npx beyond-masking knn runs/cifar10-micro-masked-zoomed-in-quick
  $ npx beyond-masking finetune --from runs/cifar10-micro-masked-zoomed-in-quick --recipe cifar10-micro-finetune --quick
  $ npx beyond-masking list recipes

BEYOND_MASKING_DEBUG=1 shows where an error came from.`,
    );
  const commands = [
    adviseCommand(),
    pretrainCommand(),
    finetuneCommand(),
    segmentCommand(),
    detectCommand(),
    reconstructCommand(),
    previewCommand(),
    knnCommand(),
    linprobeCommand(),
    embedCommand(),
    neighboursCommand(),
    componentsCommand(),
    attentionCommand(),
    predictCommand(),
    reportCommand(),
    studyCommand(),
    exportCommand(),
    inspectCommand(),
    dataCommand(),
    cacheCommand(),
    benchCommand(),
    doctorCommand(),
    setupCommand(),
    listCommand(),
  ];
  program.hook('preAction', (_, command) => refuseRanks(command.name()));
  for (const command of commands) program.addCommand(command.copyInheritedSettings(program));
  for (const command of [program, ...commands, ...commands.flatMap((c) => c.commands)])
    command.exitOverride();
  return program;
}
