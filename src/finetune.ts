import { resolveFinetuneConfig } from './config/finetune-recipes.ts';
import type { FinetuneConfig, FinetuneInput } from './config/finetune-schema.ts';
import type { GivenSettings } from './config/given.ts';
import { labelledShare } from './data/sources/labelled-share.ts';
import type { OpenOptions } from './data/sources/scheme.ts';
import { openLabelled, requireClasses } from './evaluate/labelled-images.ts';
import { unlearnedClasses } from './evaluate/unlearned.ts';
import type { Values } from './graph/index.ts';
import type { ParameterSpec } from './nn/parameters.ts';
import { sample } from './run/data.ts';
import type { FinetuneEvent, HeadStart } from './run/events.ts';
import { bestCheckpointPath } from './run/folder.ts';
import { initialiseOnThreads } from './run/initialise-on-threads.ts';
import { finetuning } from './run/kinds/finetune.ts';
import { readMetrics } from './run/metrics.ts';
import { type ClassifierSetup, setUpClassifier } from './run/setup-finetune.ts';
import { bestScore } from './train/best.ts';
import { type FinetuneData, finetuneMonitor } from './train/finetune-monitor.ts';
import { type Training, type TrainOptions, type TrainResult, train } from './train/runner.ts';
import { loadClassifier } from './weights/load-into.ts';
import { findModel, type Model } from './weights/model.ts';
import { settingsOf, startFrom } from './weights/start-from.ts';

export interface FinetuneOptions extends TrainOptions<FinetuneEvent> {
  /**
   * The weights of a new run: a checkpoint, the folder of a run, or a file of weights that `openModel` knows; random weights
   * where it is left out. In place of the setting `from`.
   */
  readonly from?: string | undefined;
}

export interface FinetuneResult extends TrainResult {
  /** The highest top-1 of an evaluation, in [0, 1], and the weights that scored it; absent before the first one. */
  readonly best?: { readonly top1: number; readonly checkpoint: string };
}

const training: Training<FinetuneConfig, FinetuneData, ClassifierSetup, HeadStart> = {
  kind: finetuning,
  resolve: async (input: FinetuneInput) => resolveFinetuneConfig(input, await givenBy(input)),
  openData: openImages,
  warning: ({ classes, train, test }) => unlearnedClasses(classes, train.labels!, test.labels!),
  setUp: (config, { classes }, parts) => setUpClassifier(config, classes, parts),
  firstState,
  monitor: finetuneMonitor,
};

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
  const { from } = options;
  const result = await train(training, { ...settings, ...(from !== undefined && { from }) }, options);
  const top1 = bestScore(await readMetrics(result.folder), 'top1');
  if (top1 === undefined) return result;
  return { ...result, best: { top1, checkpoint: bestCheckpointPath(result.folder) } };
}

/** Settings that follow from the weights with which a run starts. */
async function givenBy({ from, model }: FinetuneInput): Promise<GivenSettings<FinetuneConfig> | undefined> {
  if (!from) return undefined;
  const { description } = await findModel(from, { heads: model?.heads, usualImage: model?.image });
  const { classifier, evaluationCrop } = description;
  const { fixed, image, normalisation } = settingsOf(description);
  return {
    fixed,
    usual: {
      model: { image, ...(classifier && { pooling: classifier.pooling, fcNorm: classifier.fcNorm }) },
      data: { ...normalisation, evaluationCrop },
    },
  };
}

/** The images of a run: for training and for evaluation. */
async function openImages(config: FinetuneConfig, options: OpenOptions): Promise<FinetuneData> {
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
  requireClasses('a classifier', classes);
  return { train, test, classes, testSource: images.testSource };
}

async function firstState(
  { config, model, classes }: ClassifierSetup,
  specs: readonly ParameterSpec[],
  note: (message: string) => void,
): Promise<Values> {
  const weights = await initialiseOnThreads(specs, config.seed);
  const load = (given: Model) => loadClassifier(given, model, classes, specs, weights);
  return startFrom(config, specs, weights, load, note);
}
