import { type GivenSettings, resolveFinetuneConfig } from './config/finetune-recipes.ts';
import type { FinetuneConfig, FinetuneInput } from './config/finetune-schema.ts';
import { microBatchOf } from './config/rules.ts';
import { BrokenImages } from './data/load/broken.ts';
import { labelledShare } from './data/sources/labelled-share.ts';
import type { OpenOptions, OpenProgress } from './data/sources/scheme.ts';
import { type Backend, slotName } from './engines/engine.ts';
import { openLabelled } from './evaluate/labelled-images.ts';
import { unlearnedClasses } from './evaluate/unlearned.ts';
import { sizeOf, type Values } from './graph/index.ts';
import type { ParameterSpec } from './nn/parameters.ts';
import { sample, withAbsoluteSources } from './run/data.ts';
import { openEngine } from './run/engine.ts';
import { RunError } from './run/error.ts';
import type { FinetuneEvent, Outcome } from './run/events.ts';
import { fitBatch } from './run/fit.ts';
import { bestCheckpointPath, findCheckpoint, type RunFolder, runFolder } from './run/folder.ts';
import { scarceSpace } from './run/free-space.ts';
import { initialiseOnThreads } from './run/initialise-on-threads.ts';
import { finetuning } from './run/kinds/finetune.ts';
import { RunLock } from './run/lock.ts';
import { readMetrics } from './run/metrics.ts';
import { type ClassifierSetup, setUpClassifier } from './run/setup-finetune.ts';
import { appendSitting } from './run/sittings.ts';
import { aboutEngine, checkData, type StartingPoint, startingPoint } from './run/start.ts';
import { oneLine } from './text/one-line.ts';
import { bestTop1, finetuneJob } from './train/finetune-job.ts';
import { Trainer } from './train/trainer.ts';
import { adoptWeights } from './weights/adopt-weights.ts';
import { findModel, openModel } from './weights/model.ts';

export interface FinetuneOptions {
  /** Folder of the run. */
  readonly output: string;
  /**
   * What a new run starts from: a checkpoint, the folder of a run, or a file of weights that `openModel` knows; random weights
   * where it is left out. In place of the setting `from`.
   */
  readonly from?: string | undefined;
  /** Goes on with the run in `output`, if there is one; the given settings are laid over its own. */
  readonly resume?: boolean;
  /** Called for everything worth telling, in order. */
  readonly onEvent?: (event: FinetuneEvent) => void;
  /** Ends the run after the current update: a checkpoint is saved, and `resume` goes on from it. */
  readonly signal?: AbortSignal;
  /** The engine that computes, in place of the one the settings name. */
  readonly backend?: Backend;
}

export interface FinetuneResult {
  readonly outcome: Outcome;
  /** Updates made, earlier sittings included. */
  readonly step: number;
  readonly folder: RunFolder;
  /** The newest checkpoint. */
  readonly checkpoint: string;
  /** The highest top-1 of an evaluation, in [0, 1], and the weights that scored it; absent before the first one. */
  readonly best?: { readonly top1: number; readonly checkpoint: string };
}

/**
 * Trains a classifier on labelled images, on a pre-trained encoder or from scratch, as the settings say, and leaves settings,
 * metrics, checkpoints and curves in the folder of the run. The sizes of the model are those of the weights it starts
 * from, where there are some. A run that was interrupted at any moment, and resumed with the same engine on the same machine,
 * ends with the same metrics and weights as one that was not.
 *
 * Throws ConfigError for wrong settings; RunError when another process trains into the folder or something else is there,
 * settings of a resumed run changed that must not, the images have no classes, or a loss or gradient was not finite; DataError
 * when the images cannot be used; FileFormatError when the weights cannot.
 */
export async function finetune(settings: FinetuneInput, options: FinetuneOptions): Promise<FinetuneResult> {
  const folder = runFolder(options.output);
  const lock = new RunLock(folder);
  const input = {
    ...withAbsoluteSources(settings),
    ...(options.from !== undefined && { from: options.from }),
  };
  const resolve = async () => resolveFinetuneConfig(input, await givenBy(input));
  try {
    const wanted = { kind: finetuning, input, folder, resume: options.resume ?? false, resolve };
    const start = await startingPoint(wanted, lock);
    return await trainFrom(start, folder, options);
  } finally {
    await lock.release();
  }
}

/** What the weights that a run starts from say of its settings. */
async function givenBy({ from, model }: FinetuneInput): Promise<GivenSettings | undefined> {
  if (!from) return undefined;
  const { description } = await findModel(from, { heads: model?.heads, usualImage: model?.image });
  const { encoder, classifier, normalisation, evaluationCrop } = description;
  const { image, patch, channels, width, depth, heads, mlpRatio, classToken, positions } = encoder;
  const epsilon = encoder.epsilon ?? 1e-6;
  return {
    fixed: { patch, channels, width, depth, heads, mlpRatio, classToken, positions, epsilon },
    usual: {
      model: {
        image: [...image],
        ...(classifier && { pooling: classifier.pooling, fcNorm: classifier.fcNorm }),
      },
      data: {
        mean: [...normalisation.mean],
        std: [...normalisation.std],
        ...(normalisation.range && { range: [...normalisation.range] }),
        evaluationCrop,
      },
    },
  };
}

async function trainFrom(
  start: StartingPoint<FinetuneConfig>,
  folder: RunFolder,
  options: FinetuneOptions,
): Promise<FinetuneResult> {
  const emit = options.onEvent ?? (() => {});
  const note = (message: string) => emit({ type: 'note', message });
  const { checkpoint } = start;
  for (const message of start.notes) note(message);
  const watched = {
    onProgress: (progress: OpenProgress) => emit({ type: 'fetch', progress }),
    ...(options.signal && { signal: options.signal }),
  };
  const data = await openImages(start.config, { ...watched, onNote: note });
  const dataKey = await checkData(start, finetuning, data.train, { ...watched, onNote: note });
  const { config, notes } = checkpoint ? { ...start, notes: [] } : fitBatch(start.config, data.train.length);
  for (const message of notes) note(message);
  const warning = unlearnedClasses(data.classes, data.train.labels!, data.test.labels!);
  if (warning !== undefined) note(warning);
  const setup = setUpClassifier(config, data.classes);
  const { specs } = setup.programs(microBatchOf(config.training));
  const state = checkpoint?.state ?? (await firstState(setup, specs, note));
  const backend = options.backend ?? (await openEngine(config.engine));
  for (const message of aboutEngine(start, backend)) note(message);
  const scarce = await scarceSpace(folder, state);
  if (scarce !== undefined) note(scarce);
  const session = await backend.open(state);
  try {
    const report = (id: string, reason: string) => note(`broken image skipped: ${oneLine(id)}: ${reason}`);
    const broken = new BrokenImages(report, checkpoint?.progress.broken);
    const at = { session, folder, broken, emit };
    const randomStart = config.from === '' && !checkpoint;
    const job = finetuneJob({ ...at, ...data, setup, randomStart, backend });
    const trainer = new Trainer(
      job,
      at,
      { data: dataKey, engine: backend.description },
      checkpoint?.progress,
    );
    await start.begin(config);
    await appendSitting(folder, backend.description, {
      source: config.data.source,
      testSource: data.testSource,
      images: data.train.length,
      testImages: data.test.length,
    });
    const values = (head: boolean) =>
      specs
        .filter(({ trained, part }) => trained && (part === 'head') === head)
        .reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    emit({
      type: 'start',
      folder: folder.path,
      config,
      engine: backend.description,
      weights: {
        encoder: values(false),
        head: values(true),
      },
      classes: data.classes,
      images: data.train.length,
      testImages: data.test.length,
      stepsPerEpoch: trainer.stepsPerEpoch,
      lastStep: trainer.lastStep,
      step: trainer.step,
    });
    const outcome = await trainer.run(options.signal);
    const best = bestTop1(await readMetrics(folder));
    return {
      outcome,
      step: trainer.step,
      folder,
      checkpoint: await findCheckpoint(folder.path),
      ...(best !== undefined && { best: { top1: best, checkpoint: bestCheckpointPath(folder) } }),
    };
  } finally {
    await session.dispose();
  }
}

/** The images of a run: those that are trained on, and those that are evaluated on. */
async function openImages(config: FinetuneConfig, options: OpenOptions) {
  const { data, evaluation, seed } = config;
  const images = await openLabelled(
    { run: { config } },
    {
      ...(data.test !== '' && { test: data.test }),
      heldOut: data.heldOut,
      ...options,
    },
  );
  const { trainImages, labels } = data;
  // The images that pre-training is limited to with this seed, then those of them that have labels.
  const limited = trainImages > 0 ? sample(images.train, trainImages, seed, 'train') : images.train;
  const train = labelledShare(limited, labels, seed);
  const test =
    evaluation.images > 0 ? sample(images.test, evaluation.images, seed, 'evaluation') : images.test;
  const classes = images.train.classes!;
  if (classes.length < 2)
    throw new RunError(`a classifier needs two classes or more, got ${classes.join(', ')} alone`);
  return { train, test, classes, testSource: images.testSource };
}

/** The weights that a new run starts with, and where it is kept their moving average. */
async function firstState(
  { config, model, classes }: ClassifierSetup,
  specs: readonly ParameterSpec[],
  note: (message: string) => void,
): Promise<Values> {
  const weights: Record<string, Float32Array> = await initialiseOnThreads(specs, config.seed);
  if (config.from !== '') {
    const given = await openModel(config.from, {
      heads: config.model.heads,
      usualImage: config.model.image,
    });
    for (const message of adoptWeights(given, model, classes, specs, weights)) note(message);
    for (const message of given.report.notes) note(message);
  }
  if (config.training.ema === 0) return weights;
  const averages = specs
    .filter(({ trained }) => trained)
    .map(({ name }) => [slotName('ema', name), weights[name]!.slice()]);
  return { ...weights, ...Object.fromEntries(averages) };
}
