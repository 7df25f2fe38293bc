import { Command } from 'commander';
import { writeFileAtomic } from '../io/atomic.ts';
import { openImages } from '../train/image-list.ts';
import { reconstruct } from '../train/reconstruct-checkpoint.ts';
import { optionalEngine, reportBroken, wholeNumber } from './options.ts';

interface Options {
  output: string;
  count: string;
  seed?: string;
  backend?: string;
}

export function reconstructCommand(): Command {
  return new Command('reconstruct')
    .description('draw original, degraded input and reconstruction of images')
    .argument(
      '<checkpoint>',
      'a .safetensors file with a decoder, or the folder of a run for its newest checkpoint',
    )
    .argument('[images...]', 'image files, or a folder (default: images that the run did not train on)')
    .option('--output <file>', 'picture to write', 'reconstruction.png')
    .option('--count <n>', 'most images', '8')
    .option('--seed <n>', "chooses images and draws (default: the run's)")
    .option('--backend <name>', "engine: auto, onnx, onednn, xla, wasm or reference (default: the run's)")
    .addHelpText(
      'after',
      `
Examples:
  $ beyond-masking reconstruct runs/cifar10-micro-masked-zoomed-in-quick
  $ beyond-masking reconstruct runs/mine cat.jpg dog.jpg --output cat-and-dog.png`,
    )
    .action(async (checkpoint: string, images: string[], options: Options) => {
      const png = await reconstruct(checkpoint, {
        images: images.length > 0 ? await openImages(images) : undefined,
        count: wholeNumber('--count', options.count, 1),
        seed: options.seed === undefined ? undefined : wholeNumber('--seed', options.seed),
        backend: await optionalEngine(options.backend),
        broken: reportBroken(),
      });
      await writeFileAtomic(options.output, png);
      console.log(options.output);
    });
}
