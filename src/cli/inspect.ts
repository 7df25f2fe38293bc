import { Command } from 'commander';
import { inspectCheckpoint } from '../train/inspect.ts';
import { findCheckpoint } from '../train/run-folder.ts';
import { count, table } from './table.ts';

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('say what a checkpoint holds')
    .argument('<checkpoint>', 'a .safetensors file, or the folder of a run for its newest checkpoint')
    .option('--tensors', 'list every tensor')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ beyond-masking inspect runs/cifar10-micro-masked-zoomed-in-quick
  $ beyond-masking inspect runs/mine/checkpoints/step-00000390.safetensors --tensors`,
    )
    .action(async (target: string, options: { tensors?: boolean; json?: boolean }) => {
      const path = await findCheckpoint(target);
      const { run, parts, tensors } = await inspectCheckpoint(path);
      const listed = [...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
      if (options.json) {
        const known = run && { progress: run.progress, config: run.config };
        console.log(
          JSON.stringify({ path, ...known, parts, ...(options.tensors && { tensors: listed }) }, null, 2),
        );
        return;
      }
      console.log(path);
      if (run) {
        const { progress, config } = run;
        console.log(`step ${progress.step}, ${progress.epoch} complete epochs of ${config.training.epochs}`);
        console.log(`trained by ${progress.engine} on data ${progress.data}`);
      } else console.log('weights only: no run of beyond-masking wrote this file');
      console.log(
        `\n${table([
          ['part', 'tensors', 'values', 'MB'],
          ...parts.map((p) => [p.part, count(p.tensors), count(p.values), (p.bytes / 1e6).toFixed(1)]),
        ])}`,
      );
      if (options.tensors)
        console.log(
          `\n${table([['tensor', 'dtype', 'shape'], ...listed.map((t) => [t.name, t.dtype, `[${t.shape.join(', ')}]`])])}`,
        );
      if (run) console.log(`\nsettings\n${JSON.stringify(run.config, null, 2)}`);
    });
}
