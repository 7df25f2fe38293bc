import { Command } from 'commander';
import { drawComponents } from '../../evaluate/features/components.ts';
import { addPictureOptions, drawPicture, type PictureOptions } from '../options/picture-command.ts';

export function componentsCommand(): Command {
  const command = new Command('components').description(
    'draw the principal components of the features of patches over images',
  );
  return addPictureOptions(command, 'components.png')
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking components runs/mine ~/photos
  $ npx beyond-masking components vit-base.safetensors cat.jpg dog.jpg --output cat-and-dog.png

The first three components of all patches of all images together are red, green and blue: patches of like features have like
colours, across images too. After a short training they show mostly where in an image a patch lies.`,
    )
    .action((model: string, images: string[], options: PictureOptions) =>
      drawPicture(images, options, (dataset, given) => drawComponents(model, dataset, given)),
    );
}
