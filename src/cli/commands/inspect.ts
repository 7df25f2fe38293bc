import { Command } from 'commander';
import { inspectModel } from '../../weights/inspect.ts';
import { addHeadsOptions, type HeadsOptions, headsOptions } from '../options/heads-options.ts';
import { describeModel } from '../show/describe-model.ts';
import { count, table } from '../show/table.ts';

interface Options extends HeadsOptions {
  tensors?: boolean;
  json?: boolean;
}

export function inspectCommand(): Command {
  const command = new Command('inspect')
    .description('say what a file of weights holds, whoever wrote it')
    .argument(
      '<model>',
      'a file of weights (.safetensors, .pth), the folder of a run, or a folder of Hugging Face or timm',
    );
  return addHeadsOptions(command)
    .option('--tensors', 'list every tensor, and what became of it')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking inspect runs/cifar10-micro-masked-zoomed-in-quick
  $ npx beyond-masking inspect runs/mine/checkpoints/step-00000390.safetensors --tensors
  $ npx beyond-masking inspect mae_pretrain_vit_base.pth`,
    )
    .action(async (target: string, options: Options) => {
      const { path, format, model, refusal, parts, tensors } = await inspectModel(
        target,
        headsOptions(options),
      );
      const fates = new Map(model?.report.tensors.map((fate) => [fate.tensor, fate]));
      const listed = [...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
      if (options.json) {
        const { run, report, path: _, ...description } = model ?? {};
        const known = run && { progress: run.progress, config: run.config };
        const shown = { path, format, ...(model ? description : { refusal }), ...known, parts };
        const account = options.tensors && { tensors: report?.tensors ?? listed };
        const rest = report && { missing: report.missing, notes: report.notes };
        console.log(JSON.stringify({ ...shown, ...rest, ...account }, null, 2));
        return;
      }
      console.log(path);
      console.log(model ? describeModel(model, format) : `no model that can be used here: ${refusal}`);
      console.log(
        `\n${table([
          ['part', 'tensors', 'values', 'MB'],
          ...parts.map((p) => [p.part, count(p.tensors), count(p.values), (p.bytes / 1e6).toFixed(1)]),
        ])}`,
      );
      if (options.tensors) {
        const became = (name: string) => {
          const { fate, name: ours, reason } = fates.get(name) ?? {};
          return fate === 'ignored' ? `not used: ${reason}` : ours && ours !== name ? `→ ${ours}` : '';
        };
        const rows = listed.map(({ name, dtype, shape }) => [
          name,
          dtype,
          `[${shape.join(', ')}]`,
          became(name),
        ]);
        console.log(`\n${table([['tensor', 'dtype', 'shape', ''], ...rows])}`);
      }
      if (model?.run) console.log(`\nsettings\n${JSON.stringify(model.run.config, null, 2)}`);
    });
}
