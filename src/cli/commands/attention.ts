import { Command } from 'commander';
import { drawAttention, type QueryToken } from '../../evaluate/features/attention.ts';
import { UsageError } from '../errors.ts';
import { wholeNumber } from '../options/options.ts';
import { addPictureOptions, drawPicture, type PictureOptions } from '../options/picture-command.ts';

interface Options extends PictureOptions {
  of?: string;
  block?: string;
  eachHead?: boolean;
}

export function attentionCommand(): Command {
  const command = new Command('attention').description(
    'draw the patches that a patch or the class token attends to',
  );
  return addPictureOptions(command, 'attention.png')
    .option(
      '--of <token>',
      'class, or ROW,COLUMN of a patch, from 0,0 (default: the class token; without one, the patch in the middle)',
    )
    .option('--block <n>', 'block of the encoder, from 1 (default: the last)')
    .option('--each-head', 'a column for each head, beside their mean')
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking attention runs/mine ~/photos
  $ npx beyond-masking attention runs/mine cat.jpg --of 3,5 --each-head
  $ npx beyond-masking attention mae_pretrain_vit_base.pth cat.jpg dog.jpg --of class --block 6`,
    )
    .action((model: string, images: string[], { of, block, eachHead, ...options }: Options) =>
      drawPicture(images, options, (dataset, given) =>
        drawAttention(model, dataset, {
          ...given,
          of: of === undefined ? undefined : tokenOf(of),
          block: block === undefined ? undefined : wholeNumber('--block', block, 1),
          eachHead,
        }),
      ),
    );
}

/** Throws UsageError for other text. */
function tokenOf(text: string): QueryToken {
  if (text === 'class') return 'class';
  const [, row, column] = /^(\d+),(\d+)$/.exec(text) ?? [];
  if (row === undefined || column === undefined)
    throw new UsageError(`--of must be class, or ROW,COLUMN of a patch such as 3,5, got "${text}"`);
  return [Number(row), Number(column)];
}
