import { dirname, resolve } from 'node:path';
import { BrokenImages, nothingReadable } from '../data/load/broken.ts';
import { type Dataset, subset } from '../data/sources/dataset.ts';
import { openImages, requireImages } from '../data/sources/image-list.ts';
import type { OpenProgress } from '../data/sources/scheme.ts';
import { cast, input, type Program, program } from '../graph/index.ts';
import type { Normalisation } from '../image/normalise.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { appendRows, readRows } from '../io/jsonl.ts';
import { type ClassifierConfig, classifierParameters, classify } from '../models/classifier.ts';
import { fromPicture } from '../nn/normalise.ts';
import { weightInputs } from '../programs/pretrain.ts';
import { RunError } from '../run/error.ts';
import { requireAppendedFile } from '../run/output.ts';
import { plural } from '../text/plural.ts';
import { shellLine } from '../text/shell.ts';
import { type Model, openModel } from '../weights/model.ts';
import type { FeatureOptions, OnProgress } from './features/extract.ts';
import { contentKey } from './features/feature-cache.ts';
import { batchFor } from './images-at-once.ts';
import { modelEngine } from './model-engine.ts';
import { centralViews, readable } from './views.ts';

export interface PredictOptions extends Omit<FeatureOptions, 'pooling' | 'featureCache'> {
  /** Number of predicted classes per image. Default: 5. */
  readonly top?: number;
  /**
   * A file of JSON lines to which predictions are appended. Images that it already has, by source and name, are skipped. Unreadable
   * images are not written.
   */
  readonly output?: string | undefined;
  readonly onProgress?: OnProgress;
  /** Called while images are opened. */
  readonly onFetch?: (progress: OpenProgress) => void;
}

/** A model's prediction for an image. */
export interface Prediction {
  /** The image's name in its source. */
  readonly file: string;
  /** A unique name of the image across sources: the path of its file, or source and name. */
  readonly image: string;
  /** The likeliest classes, the likeliest first. Classes without names are given as numbers. */
  readonly classes: readonly { readonly class: string; readonly probability: number }[];
  /** A hash of the weights and the view settings. */
  readonly model: string;
}

/**
 * Predicts the classes of images with a classifier (a file of weights with a head, or the folder of a fine-tuning or probe). Yields each
 * prediction as soon as its batch is done. With `output` it is written first, and the same call resumes an interrupted one.
 *
 * @param images files, folders, or names of data sets
 * Throws DataError for a missing file or folder, RunError for a model without a head and for an output with other rows or predictions of
 * another model, and the errors of `openModel`.
 */
export async function* predict(
  path: string,
  images: readonly string[],
  options: PredictOptions = {},
): AsyncGenerator<Prediction> {
  const { top = 5, output, onProgress = () => {}, onFetch, signal } = options;
  if (output !== undefined) await requireAppendedFile(output);
  await requireImages(images);
  const model = await openModel(path, { heads: options.heads, image: options.image });
  const { classifier } = model;
  if (!classifier)
    throw new RunError(
      `${path} has no classifier; train one: npx beyond-masking ${shellLine('finetune', '--from', path, '--data', 'classes:FOLDER')}`,
    );
  if (model.problem === 'regression')
    throw new RunError(`prediction needs a head of classes, got ${path} with one of a regression`);
  const key = modelKey(model, classifier);
  const all = await openImages(images, {
    onNote: options.onNote,
    ...(onFetch && { onProgress: onFetch }),
    ...(signal && { signal }),
  });
  const known = output === undefined ? new Set<string>() : await knownImages(output, key, all, options);
  const left = Array.from({ length: all.length }, (_, i) => i).filter((i) => !known.has(imageName(all, i)));
  onProgress(all.length - left.length, all.length);
  if (left.length === 0) return;
  const dataset = subset(all, left);
  const broken = options.broken ?? new BrokenImages();
  const engine = await modelEngine(model, options);
  const batchSize = Math.min(options.imagesAtOnce ?? batchFor(model.encoder, engine), dataset.length);
  const views = centralViews(model, dataset, { batchSize, broken, signal });
  const session = await engine.open(headWeights(model, classifier));
  try {
    const toLogits = logitsProgram(classifier, model.normalisation, batchSize);
    let done = all.length - left.length;
    let written = known.size;
    for await (const { view, weights, indices } of readable(views, dataset, broken)) {
      const logits = (await session.run(toLogits, { view })).logits as Float32Array;
      const predictions = [...indices].flatMap((index, i) => {
        if (weights[i] === 0) return [];
        const row = logits.subarray(i * classifier.classes, (i + 1) * classifier.classes);
        requireFinite(row, dataset.id(index));
        const classes = likeliest(row, top, model);
        return [{ file: dataset.id(index), image: imageName(dataset, index), classes, model: key }];
      });
      written += predictions.length;
      if (output !== undefined && predictions.length > 0) await appendRows(output, predictions);
      yield* predictions;
      done = Math.min(all.length, done + batchSize);
      onProgress(done, all.length);
    }
    if (written === 0) throw nothingReadable(dataset.name, broken);
  } finally {
    await session.dispose();
  }
}

/**
 * The k likeliest classes with their names, by softmax(logits), or by sigmoid(logits) for multi-label models.
 */
export function likeliest(
  logits: Float32Array,
  k: number,
  { classes: names, problem }: Pick<Model, 'classes' | 'problem'> = {},
): Prediction['classes'] {
  return (problem === 'multi-label' ? Array.from(logits, (x) => 1 / (1 + Math.exp(-x))) : softmax(logits))
    .map((probability, i) => ({ class: names?.[i] ?? String(i), probability }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, k);
}

function softmax(logits: Float32Array): number[] {
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const odds = Array.from(logits, (x) => Math.exp(x - largest));
  const sum = odds.reduce((a, b) => a + b, 0);
  return odds.map((x) => x / sum);
}

/** Throws RunError for logits that are not finite. */
function requireFinite(logits: Float32Array, image: string): void {
  const fault = logits.find((value) => !Number.isFinite(value));
  if (fault !== undefined)
    throw new RunError(
      `scores of classes must be finite numbers, got ${fault} for ${image}: check the weights`,
    );
}

function headWeights(model: Model, classifier: ClassifierConfig): Record<string, Float32Array> {
  return Object.fromEntries(classifierParameters(classifier).map(({ name }) => [name, model.weights[name]!]));
}

/** view u8 [B, C, H, W] → `logits` [B, K] */
function logitsProgram(classifier: ClassifierConfig, normalisation: Normalisation, batch: number): Program {
  const view = input('view', [batch, classifier.channels, ...classifier.image], 'u8');
  const image = fromPicture(cast(view, 'f32'), normalisation, 1 / 255);
  const weights = weightInputs(classifierParameters(classifier));
  return program('predict', { logits: classify(classifier, weights, image) });
}

function modelKey(model: Model, classifier: ClassifierConfig): string {
  const { normalisation, evaluationCrop, evaluationView, classes, problem } = model;
  const { mean, std, range } = normalisation;
  const about = JSON.stringify({
    ...classifier,
    mean,
    std,
    range,
    evaluationCrop,
    evaluationView,
    problem,
    names: classes,
  });
  return contentKey([about, ...Object.values(headWeights(model, classifier))]).slice(0, 12);
}

/** The `image` of a prediction: see there. */
export function imageName(dataset: Dataset, index: number): string {
  const source = dataset.source?.(index);
  const id = dataset.id(index);
  if (!source || source.kind === 'module') return `${dataset.name}/${id}`;
  if (typeof source.file !== 'string') return resolve(dataset.name, id);
  const file = resolve(source.file);
  if (source.kind === 'slice') return `${file}/${id}`;
  return source.kind === 'pixels' ? `${dirname(file)}/${id}` : file;
}

/**
 * The images whose predictions a file has. Rows of earlier versions have no path: if they are named like images of the data set, they
 * are assigned to these and rewritten. Throws RunError if the file holds something else, or predictions of another model.
 */
async function knownImages(
  path: string,
  key: string,
  dataset: Dataset,
  { onNote }: Pick<PredictOptions, 'onNote'>,
): Promise<Set<string>> {
  const rows = await readRows<Partial<Prediction>>(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const foreign = rows.find(({ file, model }) => typeof file !== 'string' || typeof model !== 'string');
  if (foreign)
    throw new RunError(
      `an output must hold predictions and nothing else, got ${path} with ${JSON.stringify(foreign).slice(0, 60)}: choose another file with --output`,
    );
  if (rows.some(({ model }) => model !== key))
    throw new RunError(
      `an output must hold predictions of the same model, got ${path} with predictions of another: choose another file with --output`,
    );
  if (rows.some(({ image }) => image === undefined)) {
    const images = Array.from(
      { length: dataset.length },
      (_, i) => [dataset.id(i), imageName(dataset, i)] as const,
    );
    const named = new Map(images);
    let taken = 0;
    for (const [i, row] of rows.entries()) {
      const image = row.image ?? named.get(row.file!);
      if (row.image !== undefined || image === undefined) continue;
      rows[i] = { file: row.file!, image, ...row };
      taken++;
    }
    if (taken > 0) {
      await writeFileAtomic(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
      onNote?.(
        `${path} has ${plural(taken, 'row')} of an earlier version without paths: assigned to images of ${dataset.name}`,
      );
    }
  }
  return new Set(rows.flatMap(({ image }) => image ?? []));
}
