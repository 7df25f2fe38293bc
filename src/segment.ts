import { ConfigError } from './config/error.ts';
import type { GivenSettings } from './config/given.ts';
import { resolveSegmentConfig } from './config/segment-recipes.ts';
import type { SegmentConfig, SegmentInput } from './config/segment-schema.ts';
import type { OpenOptions } from './data/sources/scheme.ts';
import { openMaskedSets } from './evaluate/segmentation/masked-images.ts';
import type { Values } from './graph/index.ts';
import { segmenterParameters } from './models/segmenter.ts';
import type { ParameterSpec } from './nn/parameters.ts';
import { sample } from './run/data.ts';
import type { HeadStart, SegmentEvent } from './run/events.ts';
import { bestCheckpointPath } from './run/folder.ts';
import { initialiseOnThreads } from './run/initialise-on-threads.ts';
import { segmenting } from './run/kinds/segment.ts';
import { readMetrics } from './run/metrics.ts';
import { type SegmenterSetup, setUpSegmenter } from './run/setup-segment.ts';
import { bestScore } from './train/best.ts';
import { type Training, type TrainOptions, type TrainResult, train } from './train/runner.ts';
import { type SegmentData, segmentMonitor } from './train/segment-monitor.ts';
import { loadSegmenter } from './weights/load-into.ts';
import { findModel, type Model } from './weights/model.ts';
import { settingsOf, startFrom } from './weights/start-from.ts';

export interface SegmentRunOptions extends TrainOptions<SegmentEvent> {
  /**
   * The weights of a new run: a checkpoint, the folder of a run, or a file of weights that `openModel` knows; random weights
   * where it is left out. In place of the setting `from`.
   */
  readonly from?: string | undefined;
}

export interface SegmentResult extends TrainResult {
  /** The highest mIoU of an evaluation, in [0, 1], and the weights that scored it; absent before the first one. */
  readonly best?: { readonly mIoU: number; readonly checkpoint: string };
}

const training: Training<SegmentConfig, SegmentData, SegmenterSetup, HeadStart> = {
  kind: segmenting,
  resolve: async (input: SegmentInput) => resolveSegmentConfig(input, await givenBy(input)),
  openData: openImages,
  settle,
  setUp: (config, _, parts) => setUpSegmenter(config, parts),
  firstState,
  monitor: segmentMonitor,
};

/**
 * Trains a segmenter on images with masks, on a pre-trained encoder or from scratch, as the settings say, and leaves settings, metrics,
 * checkpoints, curves and pictures of predictions in the folder of the run. All masks are read before the first step. The sizes of the
 * model are those of the weights it starts from, where there are some. A run that was interrupted at any moment, and resumed with the
 * same engine on the same machine, ends with the same metrics and weights as one that was not.
 *
 * Throws ConfigError for wrong settings; RunError when another process trains into the folder or something else is there, settings of
 * a resumed run changed that must not, the images have no masks, or a loss or gradient was not finite; DataError when images or masks
 * cannot be used; FileFormatError when the weights cannot.
 */
export async function trainSegmenter(
  settings: SegmentInput,
  options: SegmentRunOptions,
): Promise<SegmentResult> {
  const { from } = options;
  const result = await train(training, { ...settings, ...(from !== undefined && { from }) }, options);
  const mIoU = bestScore(await readMetrics(result.folder), 'mIoU');
  if (mIoU === undefined) return result;
  return { ...result, best: { mIoU, checkpoint: bestCheckpointPath(result.folder) } };
}

/** Settings that follow from the weights with which a run starts. */
async function givenBy({ from, model }: SegmentInput): Promise<GivenSettings<SegmentConfig> | undefined> {
  if (!from) return undefined;
  const { description } = await findModel(from, { heads: model?.heads, usualImage: model?.image });
  const { relativePositions, layerScale } = description.encoder;
  const { fixed, image, normalisation } = settingsOf(description);
  return {
    fixed,
    usual: {
      model: {
        image,
        ...(relativePositions && { relativePositions: true }),
        ...(layerScale !== undefined && { layerScaleInit: layerScale }),
      },
      data: normalisation,
    },
  };
}

async function openImages(
  { data, evaluation, seed }: SegmentConfig,
  options: OpenOptions,
): Promise<SegmentData> {
  const { source, heldOut } = data;
  const sets = await openMaskedSets({
    ...{ source, heldOut },
    ...(data.test !== '' && { test: data.test }),
    ...options,
  });
  const some = (count: number, images: SegmentData['train'], purpose: string) =>
    count > 0 ? sample(images, count, seed, purpose) : images;
  return {
    ...sets,
    train: some(data.trainImages, sets.train, 'train'),
    test: some(evaluation.images, sets.test, 'evaluation'),
  };
}

/** The settings with the classes of the masks. */
function settle(config: SegmentConfig, { table }: SegmentData): SegmentConfig {
  const classes = structuredClone(table) as SegmentConfig['data']['classes'];
  const { classes: given } = config.data;
  if (given !== null && JSON.stringify(given) !== JSON.stringify(classes))
    throw new ConfigError('data.classes must be those of the masks, got others: leave the setting out');
  return { ...config, data: { ...config.data, classes } };
}

async function firstState(
  { config, model, classes }: SegmenterSetup,
  specs: readonly ParameterSpec[],
  note: (message: string) => void,
): Promise<Values> {
  // Trained positions begin where the fixed ones are.
  const first = segmenterParameters({ ...model, positions: config.model.positions });
  const weights = await initialiseOnThreads(first, config.seed);
  const load = (given: Model) => loadSegmenter(given, model, classes, specs, weights);
  return startFrom(config, specs, weights, load, note);
}
