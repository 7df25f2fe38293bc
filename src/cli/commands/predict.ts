import { Command } from 'commander';
import { inWords } from '../../data/sources/scheme.ts';
import { anySource } from '../../data/sources/table.ts';
import { type PredictedObjects, predictBoxes } from '../../evaluate/detection/predict-boxes.ts';
import { type Prediction, predict } from '../../evaluate/predict.ts';
import { type PredictedMask, predictMasks } from '../../evaluate/segmentation/predict-masks.ts';
import { plural } from '../../text/plural.ts';
import { findModel } from '../../weights/model.ts';
import { addEngineOptions, type EngineOptions, engineOptions } from '../options/feature-options.ts';
import { wholeNumber } from '../options/options.ts';
import { percent, table } from '../show/table.ts';
import { withProgress } from '../show/with-progress.ts';

interface Options extends EngineOptions {
  from: string;
  top: string;
  output?: string;
  json?: boolean;
}

export function predictCommand(): Command {
  const command = new Command('predict')
    .description('classes of images with their probabilities, or of their pixels, or the objects in them')
    .argument('<images...>', `image files, or sources: ${anySource}`)
    .requiredOption(
      '--from <model>',
      'folder of a fine-tuning, probe, segmentation or detection, or a file of weights with a head',
    )
    .option('--top <k>', 'number of classes to show', '5');
  return addEngineOptions(command)
    .option(
      '--output <path>',
      'append JSON lines to a file; of a segmentation, a folder for masks and overlays, of a detection for pictures and results.json; images that it has already are left out',
    )
    .option('--json', 'print JSON lines')
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking predict cat.jpg dog.jpg --from runs/finetuned
  $ npx beyond-masking predict ~/photos --from runs/probe --top 1 --output photos.jsonl
  $ npx beyond-masking predict ~/photos --from runs/shapes-micro-linear --output predicted

A line for each image: {"file", "image", "classes": [{"class", "probability"}, …], "model"}; image is the path of the file, or
source and name, by which --output finds finished images. Broken images are named on the standard error and left out. With --output the same command continues after an interruption.
Of a segmentation: {"file", "height", "width", "classes": [{"class", "share"}, …], "mask", "overlay"}; masks are PNGs with a palette, with
the values of the training masks.
Of a detection: {"file", "height", "width", "objects": [{"class", "score", "box": [x1, y1, x2, y2]}, …], "picture"}; results.json is COCO's.`,
    )
    .action(async (images: string[], options: Options) => {
      const { from, output } = options;
      const top = wholeNumber('--top', options.top, 1);
      const engine = await engineOptions(options);
      const { description } = await findModel(from, { heads: engine.heads, image: engine.image });
      if (description.segmenter) return segmentImages(images, options, engine);
      if (description.detector) return detectImages(images, options, engine);
      const shown: Prediction[] = [];
      const kept = keptText(output, '--output');
      let count = 0;
      let already: number | undefined;
      const finished = await withProgress(async ({ onProgress, signal }) => {
        const progress = (done: number, total: number) => {
          already ??= done;
          onProgress('images', done, total);
        };
        for await (const prediction of predict(from, images, {
          ...engine,
          top,
          output,
          signal,
          onProgress: progress,
          onFetch: inWords(onProgress),
        })) {
          count++;
          if (options.json) console.log(JSON.stringify(prediction));
          else if (output === undefined) shown.push(prediction);
        }
        return true;
      }, kept);
      if (shown.length > 0) console.log(asTable(shown));
      const there = already ? `, ${already} ${already === 1 ? 'was' : 'were'} there` : '';
      if (finished && output !== undefined && !options.json)
        console.log(`${plural(count, 'prediction')} appended${there}: ${output}`);
    });
}

function asTable(predictions: readonly Prediction[]): string {
  const rows = predictions.map(({ file, classes }) => [
    file,
    ...classes.map(({ class: name, probability }) => `${name} ${percent(probability)}`),
  ]);
  const places = predictions[0]!.classes.map((_, i) => (i === 0 ? 'likeliest' : `${i + 1}.`));
  return table([['image', ...places], ...rows]);
}

/** The message of an interrupted command: its finished part, and how to continue. */
function keptText(output: string | undefined, option: string): string {
  return output === undefined
    ? `nothing was kept: ${option} keeps what is done`
    : `${output} has the finished predictions: run the same command again to continue`;
}

/** Predicts masks and overlays. */
async function segmentImages(
  images: readonly string[],
  { from, output, json }: Options,
  engine: Awaited<ReturnType<typeof engineOptions>>,
): Promise<void> {
  const kept = keptText(output, '--output FOLDER');
  const rows: Omit<PredictedMask, 'labels'>[] = [];
  const finished = await withProgress(async ({ onProgress, signal }) => {
    for await (const { labels: _, ...row } of predictMasks(from, images, {
      ...{ ...engine, output, signal },
      onProgress: (done, total) => onProgress('images', done, total),
      onFetch: inWords(onProgress),
    })) {
      if (json) console.log(JSON.stringify(row));
      rows.push(row);
    }
    return true;
  }, kept);
  if (json) return;
  const shown = rows.slice(0, SHOWN).map(({ file, classes }) => [file, ...classes.map(shareText)]);
  if (shown.length > 0) {
    const most = Math.max(...shown.map((row) => row.length - 1));
    console.log(
      table([['image', ...Array.from({ length: most }, (_, i) => `${i + 1}.`)], ...padded(shown, most + 1)]),
    );
    if (rows.length > SHOWN) console.log(`and ${plural(rows.length - SHOWN, 'other image')}`);
  }
  if (finished && output !== undefined)
    console.log(`${plural(rows.length, 'mask')} and overlays written: ${output}`);
}

/** Finds objects, draws them and writes COCO's results. */
async function detectImages(
  images: readonly string[],
  { from, output, json }: Options,
  engine: Awaited<ReturnType<typeof engineOptions>>,
): Promise<void> {
  const kept = keptText(output, '--output FOLDER');
  const rows: string[][] = [];
  const finished = await withProgress(async ({ onProgress, signal }) => {
    for await (const { objects, ...row } of predictBoxes(from, images, {
      ...{ ...engine, output, signal },
      onProgress: (done, total) => onProgress('images', done, total),
      onFetch: inWords(onProgress),
    })) {
      const plain = objects.map(({ mask: _, ...object }) => object);
      if (json) console.log(JSON.stringify({ ...row, objects: plain }));
      rows.push([row.file, foundText(objects)]);
    }
    return true;
  }, kept);
  if (json) return;
  if (rows.length > 0) console.log(table([['image', 'found'], ...rows.slice(0, SHOWN)]));
  if (rows.length > SHOWN) console.log(`and ${plural(rows.length - SHOWN, 'other image')}`);
  if (finished && output !== undefined)
    console.log(`${plural(rows.length, 'picture')} and results.json written: ${output}`);
}

/** Score from which an object is counted in the table. */
const SURE = 0.5;

/** `3 disc (98 %), 1 box (71 %)`: how many objects of each class, and the surest one's score. */
function foundText(objects: PredictedObjects['objects']): string {
  const sure = objects.filter(({ score }) => score >= SURE);
  const classes = [...new Set(sure.map((each) => each.class))];
  const texts = classes.map((name) => {
    const own = sure.filter((each) => each.class === name);
    return `${own.length} ${name} (${percent(own[0]!.score)})`;
  });
  return texts.join(', ') || 'nothing';
}

/** Images in the table of a segmentation or detection at most. */
const SHOWN = 20;

const shareText = ({ class: name, share }: PredictedMask['classes'][number]) => `${name} ${percent(share)}`;

const padded = (rows: readonly (readonly string[])[], length: number) =>
  rows.map((row) => [...row, ...new Array<string>(length - row.length).fill('')]);
