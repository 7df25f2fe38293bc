import { resolveDetectConfig } from './config/detect-recipes.ts';
import type { DetectConfig, DetectInput } from './config/detect-schema.ts';
import { ConfigError } from './config/error.ts';
import type { GivenSettings } from './config/given.ts';
import type { OpenOptions } from './data/sources/scheme.ts';
import { openBoxedSets } from './evaluate/detection/boxed-images.ts';
import type { Values } from './graph/index.ts';
import { detectorParameters } from './models/detector.ts';
import type { ParameterSpec } from './nn/parameters.ts';
import { sample } from './run/data.ts';
import type { DetectEvent, HeadStart } from './run/events.ts';
import { bestCheckpointPath } from './run/folder.ts';
import { initialiseOnThreads } from './run/initialise-on-threads.ts';
import { detecting } from './run/kinds/detect.ts';
import { readMetrics } from './run/metrics.ts';
import { type DetectorSetup, setUpDetector } from './run/setup-detect.ts';
import { bestScore } from './train/best.ts';
import { type DetectData, detectMonitor } from './train/detect-monitor.ts';
import { type Training, type TrainOptions, type TrainResult, train } from './train/runner.ts';
import { loadDetector } from './weights/load-into.ts';
import { findModel, type Model } from './weights/model.ts';
import { settingsOf, startFrom } from './weights/start-from.ts';

export interface DetectRunOptions extends TrainOptions<DetectEvent> {
  /**
   * The weights of a new run: a checkpoint, the folder of a run, or a file of weights that `openModel` knows; random weights
   * where it is left out. In place of the setting `from`.
   */
  readonly from?: string | undefined;
}

export interface DetectResult extends TrainResult {
  /** The highest box AP of an evaluation, in [0, 1], and the weights that scored it; absent before the first one. */
  readonly best?: { readonly boxAP: number; readonly checkpoint: string };
}

const training: Training<DetectConfig, DetectData, DetectorSetup, HeadStart> = {
  kind: detecting,
  resolve: async (input: DetectInput) => resolveDetectConfig(input, await givenBy(input)),
  openData: openImages,
  settle,
  warning: ({ masked }) =>
    masked
      ? undefined
      : 'not every object has a mask: boxes are learned, and masks are not (model.head.masks is false)',
  setUp: (config, _, parts) => setUpDetector(config, parts),
  firstState,
  monitor: detectMonitor,
};

/**
 * Trains a detector, Mask R-CNN on a plain ViT, on images with objects, on a pre-trained encoder or from scratch, as the settings say, and leaves
 * settings, metrics, checkpoints, curves and pictures of predictions in the folder of the run. All annotations are looked at before the first step.
 * The sizes of the encoder are those of the weights it starts from, where there are some. A run that was interrupted at any moment, and resumed
 * with the same engine on the same machine, ends with the same metrics and weights as one that was not.
 *
 * Throws ConfigError for wrong settings; RunError when another process trains into the folder or something else is there, settings of
 * a resumed run changed that must not, the images have no objects, or a loss or gradient was not finite; DataError when images or annotations
 * cannot be used; FileFormatError when the weights cannot.
 */
export async function trainDetector(settings: DetectInput, options: DetectRunOptions): Promise<DetectResult> {
  const { from } = options;
  const result = await train(training, { ...settings, ...(from !== undefined && { from }) }, options);
  const boxAP = bestScore(await readMetrics(result.folder), 'boxAP');
  if (boxAP === undefined) return result;
  return { ...result, best: { boxAP, checkpoint: bestCheckpointPath(result.folder) } };
}

/** Settings that follow from the weights with which a run starts. */
async function givenBy({ from, model }: DetectInput): Promise<GivenSettings<DetectConfig> | undefined> {
  if (!from) return undefined;
  const { description } = await findModel(from, { heads: model?.heads, usualImage: model?.image });
  const { fixed, image, normalisation } = settingsOf(description);
  return { fixed, usual: { model: { image }, data: normalisation } };
}

async function openImages(
  { data, evaluation, seed }: DetectConfig,
  options: OpenOptions,
): Promise<DetectData> {
  const { source, heldOut } = data;
  const sets = await openBoxedSets({
    ...{ source, heldOut },
    ...(data.test !== '' && { test: data.test }),
    ...options,
  });
  const some = (count: number, images: DetectData['train'], purpose: string) =>
    count > 0 ? sample(images, count, seed, purpose) : images;
  return {
    ...sets,
    train: some(data.trainImages, sets.train, 'train'),
    test: some(evaluation.images, sets.test, 'evaluation'),
  };
}

/** The settings with the classes of the objects, and without masks where some objects have none. */
function settle(config: DetectConfig, { classes, masked }: DetectData): DetectConfig {
  const { data, model } = config;
  if (data.classes !== null && JSON.stringify(data.classes) !== JSON.stringify(classes))
    throw new ConfigError('data.classes must be those of the objects, got others: leave the setting out');
  const head = { ...model.head, masks: model.head.masks && masked };
  return { ...config, data: { ...data, classes: [...classes] }, model: { ...model, head } };
}

async function firstState(
  { config, model, classes }: DetectorSetup,
  specs: readonly ParameterSpec[],
  note: (message: string) => void,
): Promise<Values> {
  // Trained positions begin where the fixed ones are.
  const first = detectorParameters({ ...model, positions: config.model.positions });
  const weights = await initialiseOnThreads(first, config.seed);
  const load = (given: Model) => loadDetector(given, model, classes, specs, weights);
  return startFrom(config, specs, weights, load, note);
}
