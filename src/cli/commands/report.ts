import { Command } from 'commander';
import { report } from '../../report/report.ts';

export function reportCommand(): Command {
  return new Command('report')
    .description('make one page of runs: scores, settings, curves, pictures')
    .argument('<runs...>', 'folders of runs: of pre-training, and what was fine-tuned or probed from it')
    .option(
      '--output <file>',
      'page to write, .html (one file) or .md (with a folder of pictures)',
      'report.html',
    )
    .option('--title <text>', 'title of the page', 'Runs')
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking report runs/cifar10-micro-masked-zoomed-in-quick
  $ npx beyond-masking report runs/* --output report.md --title "Five tasks on CIFAR-10"`,
    )
    .action(async (runs: string[], options: { output: string; title: string }) => {
      const { files, unreadable } = await report(runs, options);
      for (const { path, reason } of unreadable) console.error(`not reported: ${path}: ${reason}`);
      console.log(files[0]);
    });
}
