import { type LinprobeInput, parseLinprobeConfig } from '../../config/linprobe-schema.ts';
import { BrokenImages } from '../../data/load/broken.ts';
import { identify } from '../../data/sources/content.ts';
import { absoluteSource } from '../../data/sources/open.ts';
import { inWords, type OpenOptions } from '../../data/sources/scheme.ts';
import { sample } from '../../run/data.ts';
import type { LinprobeEvent } from '../../run/events.ts';
import { Listener } from '../../run/listener.ts';
import { openModel } from '../../weights/model.ts';
import { FeatureExtractor, type FeatureOptions } from '../features/extract.ts';
import { contentKey } from '../features/feature-cache.ts';
import { labelled } from '../features/features.ts';
import { openLabelled, requireClasses } from '../labelled-images.ts';
import { modelEngine } from '../model-engine.ts';
import { unlearnedClasses } from '../unlearned.ts';
import { bestRate, type RateScore, scoreRates } from './choose-rate.ts';
import { crossValidate } from './cross-validate.ts';
import { linearAccuracy } from './linear-accuracy.ts';
import { ProbeFolder } from './probe-folder.ts';
import { probeSettings, probeSteps, trainProbe } from './train-probe.ts';

export interface LinprobeOptions extends Omit<FeatureOptions, 'pooling'>, Pick<OpenOptions, 'sources'> {
  readonly settings?: LinprobeInput;
  /** Folder of the run: settings, metrics, and the probe as a classifier. Default: none. */
  readonly output?: string | undefined;
  /** Called while images are fetched, features computed and heads trained. */
  readonly onProgress?: (what: string, done: number, total: number) => void;
  /**
   * Called with the events of the final training, if there is a folder. If it returns a promise that rejects, the probe saves its state,
   * stops, and rejects with the error.
   */
  readonly onEvent?: (event: LinprobeEvent) => unknown;
}

export interface LinprobeResult {
  /** Top-1 and, with more than five classes, top-5 accuracy on the test images. */
  readonly top1: number;
  readonly top5?: number;
  /** Number of folds of the cross-validation; absent if there is a test set. */
  readonly folds?: number;
  /** The chosen learning rate. */
  readonly best: number;
  /** The score of each learning rate on held-out training images; empty for a single rate. */
  readonly rates: readonly RateScore[];
  /** Numbers of training and test images. */
  readonly train: number;
  readonly test: number;
  /** Images per update. */
  readonly batchSize: number;
  /** Path of the probe as a classifier; absent without a folder. */
  readonly checkpoint?: string;
}

/**
 * A linear probe of a model (a file of weights, or the folder of a run): a linear classifier on features of the frozen
 * encoder, see `trainProbe`. Features are computed once, from central crops without augmentation, and cached on disk (see
 * `FeatureExtractor`). The learning rate is chosen on a share of the training images. A probe is then trained on all of them and
 * evaluated once on the test images. If there are too few images to split (see `openLabelled`), the score is cross-validated, and the
 * probe is trained on all images. The same call resumes an interrupted probe that has a folder, bit for bit. Without a folder it starts
 * again from the cached features.
 *
 * Throws ConfigError for wrong settings, RunError if images have no classes or the folder holds something else, and the errors of
 * `openModel`.
 */
export async function linprobe(path: string, options: LinprobeOptions = {}): Promise<LinprobeResult> {
  const given = parseLinprobeConfig(options.settings ?? {});
  const absolute = (source: string | undefined) =>
    source && absoluteSource(source, { sources: options.sources });
  const config = { ...given, data: absolute(given.data), test: absolute(given.test) };
  const { onProgress: report = () => {}, output } = options;
  const listener = new Listener(options.onEvent, options.signal);
  const { signal } = listener;
  const model = await openModel(path, { heads: options.heads, image: options.image });
  const { heldOut, pooling } = config;
  const { data, test } = given;
  const watched = {
    onProgress: inWords(report),
    signal,
    ...(options.sources && { sources: options.sources }),
  };
  const all = await openLabelled(model, {
    ...{ data, test, heldOut },
    onNote: options.onNote,
    ...watched,
  });
  const some = (part: 'train' | 'test', count: number) =>
    count > 0 ? sample(all[part], count, config.seed, part) : all[part];
  const limited = config.trainImages > 0 || config.testImages > 0;
  const together = limited ? undefined : all.undivided;
  const images = together
    ? { train: together, test: together }
    : { train: some('train', config.trainImages), test: some('test', config.testImages) };
  const classes = images.train.classes!;
  requireClasses('a probe', classes);
  const engine = await modelEngine(model, options);
  const broken = options.broken ?? new BrokenImages();
  const extractor = new FeatureExtractor(model, { ...options, engine, broken, pooling, signal });
  const run = { kind: 'linprobe', from: path, ...config } as const;
  const dataKey = output === undefined ? '' : await identify(images.train, watched);
  const folder = output === undefined ? undefined : await ProbeFolder.open(output, run, listener.emit);
  if (folder?.resumes) options.onNote?.(`resuming the interrupted probe in ${output}`);
  try {
    const featuresOf = async (part: 'train' | 'test', what: string) => {
      const features = await extractor.features(images[part], (done, total) => report(what, done, total));
      return labelled(features, images[part]);
    };
    const train = await featuresOf('train', 'features of training images');
    const tested = together ? train : await featuresOf('test', 'features of test images');
    const warning = unlearnedClasses(classes, train.labels, tested.labels, together !== undefined);
    if (warning !== undefined) options.onNote?.(warning);
    await extractor.dispose();

    const of = [JSON.stringify(run), classes.join('\0'), train.labels.join()];
    const keeper = folder?.keeper(contentKey([...of, train.features]));
    const fit = { engine, classes: classes.length, signal, keeper };
    const [scores] = await scoreRates([train], config, {
      ...fit,
      onProgress: (done, total) => report('choosing the learning rate: epoch', done, total),
    });
    const rates = scores!;
    const best = bestRate(rates) ?? config.learningRates[0]!;
    const settings = probeSettings(config, train.labels.length, [best]);
    const { lastStep } = probeSteps(settings, train.labels.length);
    const crossed = together ? await crossValidate(train, config, fit, report) : undefined;
    const { source, testSource } = all;
    const counts = { images: train.labels.length, testImages: tested.labels.length, folds: crossed?.folds };
    const [head] = await trainProbe(train, settings, {
      ...fit,
      onStart: async (step) => folder?.start(engine, { source, testSource, ...counts }, settings, step),
      async onEpoch(epoch, { step, losses, lr }) {
        report('training: epoch', epoch, config.epochs);
        await folder?.append({ step, epoch, loss: losses[0]!, lr });
      },
    });
    const accuracy = crossed ?? (await linearAccuracy(engine, [head!], tested))[0]!;
    await folder?.append({ step: lastStep, epoch: config.epochs, ...accuracy, learningRate: best });
    const about = { classes, step: lastStep, data: dataKey, engine: engine.description };
    const checkpoint = await folder?.save(model, extractor.config, head!, about);
    await listener.done();
    return {
      ...accuracy,
      ...{ best, rates, train: train.labels.length, test: tested.labels.length },
      batchSize: settings.batchSize,
      ...(checkpoint !== undefined && { checkpoint }),
    };
  } finally {
    await extractor.dispose();
    await folder?.close();
  }
}
