import { Command } from 'commander';
import { type ExportFormat, exportFormats, exportModel } from '../../weights/out/export.ts';
import { type Part, parts } from '../../weights/out/part.ts';
import type { OnnxCheck } from '../../weights/out/verify-onnx.ts';
import { addHeadsOptions, type HeadsOptions, headsOptions } from '../options/heads-options.ts';
import { engineOption, optionalEngine } from '../options/options.ts';
import { count, table } from '../show/table.ts';
import { withProgress } from '../show/with-progress.ts';

interface Options extends HeadsOptions {
  format: string;
  output: string;
  part?: string;
  engine?: string;
  json?: boolean;
}

export function exportCommand(): Command {
  const command = new Command('export')
    .description('write a model for timm, for Hugging Face transformers, or as ONNX, with a model card')
    .argument('<model>', 'a file of weights, the folder of a run, or a folder of Hugging Face or timm')
    .requiredOption('--format <name>', exportFormats.join(', '))
    .requiredOption('--output <folder>', 'folder to write, new or empty')
    .option(
      '--part <name>',
      `${parts.join(', ')} (default: segmenter, detector or classifier where there is a head, else features)`,
    )
    .addOption(engineOption('engine that an ONNX file is compared with (default: onnx)'))
    .option('--json', 'print JSON');
  return addHeadsOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking export runs/mine --format timm --output vit-timm
  $ npx beyond-masking export runs/mine-finetune --format onnx --output vit-onnx
  $ npx beyond-masking export runs/mine-segment --format onnx --output segmenter-onnx
  $ npx beyond-masking export runs/mine-detect --format onnx --output detector-onnx
  $ npx beyond-masking export mae.safetensors --format huggingface --part autoencoder --output vit-mae

Models without a class token cannot be written for transformers: timm and ONNX take them. Of segmenters, those with UperNet can be written
as BEiT (huggingface), and all as ONNX, with code that slides windows over images of any size. Detectors can be written as ONNX: one file from an
image to boxes, scores, classes and masks.`,
    )
    .action(async (model: string, options: Options) => {
      const result = await withProgress(
        async (progress) =>
          exportModel(model, {
            ...progress,
            ...headsOptions(options),
            format: options.format as ExportFormat,
            output: options.output,
            part: options.part as Part | undefined,
            engine: await optionalEngine(options.engine),
          }),
        'nothing was written',
      );
      if (!result) return;
      if (options.json) {
        console.log(JSON.stringify(result, null, 2));
        return;
      }
      console.log(`${result.part} in ${options.output}\n`);
      const rows = result.files.map(({ path, bytes }) => [path, count(Math.ceil(bytes / 1000))]);
      console.log(table([['file', 'kB'], ...rows]));
      if (result.check) console.log(`\n${compared(result.check)}`);
      for (const note of result.notes) console.log(`\nnote: ${note}`);
      console.log(`\nhow to load it: ${options.output}/README.md`);
    });
}

/** A line about the comparison of an ONNX file with the model. */
function compared({ objects, difference, runtime }: OnnxCheck): string {
  const most = `differ by ${difference.toExponential(1)} at most (${runtime})`;
  if (!objects) return `outputs of the ONNX file and of the model ${most}`;
  return `${objects.count - objects.others} of ${objects.count} objects in noise are the model's; scores and boxes ${most}`;
}
