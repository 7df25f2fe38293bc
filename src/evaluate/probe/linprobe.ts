import { type LinprobeInput, parseLinprobeConfig } from '../../config/linprobe-schema.ts';
import { BrokenImages } from '../../data/load/broken.ts';
import { identify } from '../../data/sources/content.ts';
import { absoluteSource } from '../../data/sources/open.ts';
import { type OpenOptions, type OpenProgress, phaseText } from '../../data/sources/scheme.ts';
import { sample } from '../../run/data.ts';
import { RunError } from '../../run/error.ts';
import type { LinprobeEvent } from '../../run/events.ts';
import { Listener } from '../../run/listener.ts';
import { openModel } from '../../weights/model.ts';
import { FeatureExtractor, type FeatureOptions } from '../features/extract.ts';
import { contentKey } from '../features/feature-cache.ts';
import { labelled } from '../features/features.ts';
import { openLabelled } from '../labelled-images.ts';
import { modelEngine } from '../model-engine.ts';
import { unlearnedClasses } from '../unlearned.ts';
import { bestRate, type RateScore, scoreRates } from './choose-rate.ts';
import { crossValidate } from './cross-validate.ts';
import { linearAccuracy } from './linear-accuracy.ts';
import { ProbeFolder } from './probe-folder.ts';
import { probeSettings, probeSteps, trainProbe } from './train-probe.ts';

export interface LinprobeOptions extends Omit<FeatureOptions, 'pooling'>, Pick<OpenOptions, 'sources'> {
  readonly settings?: LinprobeInput;
  /** Folder of the run: settings, metrics, and the probe as a classifier. Default: none is made. */
  readonly output?: string | undefined;
  /** Called while images are fetched, features computed and heads trained. */
  readonly onProgress?: (what: string, done: number, total: number) => void;
  /**
   * Called for what a log wants to know of the last training, where there is a folder. Where a promise of it is rejected, the probe keeps
   * its state, stops, and rejects with the error.
   */
  readonly onEvent?: (event: LinprobeEvent) => unknown;
}

export interface LinprobeResult {
  /** Shares of the test images whose class is the likeliest, or, of more than five classes, among the five likeliest. */
  readonly top1: number;
  readonly top5?: number;
  /** Parts of the cross-validation that gave these shares; absent where test images were set aside. */
  readonly folds?: number;
  /** The learning rate of that probe. */
  readonly best: number;
  /** What each learning rate scored on training images that were set aside; empty where there is one only. */
  readonly rates: readonly RateScore[];
  /** Images that were learned from, and test images. */
  readonly train: number;
  readonly test: number;
  /** Images of one update. */
  readonly batchSize: number;
  /** The probe as a classifier, where there is a folder. */
  readonly checkpoint?: string;
}

/**
 * A linear probe of a model (a file of weights, or the folder of a run): a linear classifier on features of the frozen
 * encoder, trained as `trainProbe` says. Features are those of central crops, without augmentation: computed once, and kept
 * on the disk (see `FeatureExtractor`). The learning rate is the one that does best on a share of the training images; with it
 * a probe is trained on all of them, and judged once on the test images. Images that are too few to be divided (`openLabelled`) are
 * judged by cross-validation, and the probe is trained on all of them. A probe with a folder that is interrupted goes on bit for bit
 * when the same call is made again; without one, it begins again from the features that are there.
 *
 * Throws ConfigError for wrong settings, RunError when images have no classes or the folder holds something else, and what
 * `openModel` throws.
 */
export async function linprobe(path: string, options: LinprobeOptions = {}): Promise<LinprobeResult> {
  const given = parseLinprobeConfig(options.settings ?? {});
  const absolute = (source: string | undefined) =>
    source && absoluteSource(source, { sources: options.sources });
  const config = { ...given, data: absolute(given.data), test: absolute(given.test) };
  const { onProgress: say = () => {}, output } = options;
  const listener = new Listener(options.onEvent, options.signal);
  const { signal } = listener;
  const model = await openModel(path, { heads: options.heads, image: options.image });
  const { heldOut, pooling } = config;
  const { data, test } = given;
  const watched = {
    onProgress: (progress: OpenProgress) => say(phaseText(progress), progress.done, progress.total),
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
  if (classes.length < 2)
    throw new RunError(`a probe needs two classes or more, got ${classes.join(', ')} alone`);
  const engine = await modelEngine(model, options);
  const broken = options.broken ?? new BrokenImages();
  const extractor = new FeatureExtractor(model, { ...options, engine, broken, pooling, signal });
  const run = { kind: 'linprobe', from: path, ...config } as const;
  const dataKey = output === undefined ? '' : await identify(images.train, watched);
  const folder = output === undefined ? undefined : await ProbeFolder.open(output, run, listener.emit);
  if (folder?.resumes) options.onNote?.(`the probe in ${output} was interrupted, and goes on`);
  try {
    const featuresOf = async (part: 'train' | 'test', what: string) => {
      const features = await extractor.features(images[part], (done, total) => say(what, done, total));
      return labelled(features, images[part]);
    };
    const train = await featuresOf('train', 'features of training images');
    const judged = together ? train : await featuresOf('test', 'features of test images');
    const warning = unlearnedClasses(classes, train.labels, judged.labels, together !== undefined);
    if (warning !== undefined) options.onNote?.(warning);
    await extractor.dispose();

    const of = [JSON.stringify(run), classes.join('\0'), train.labels.join()];
    const keeper = folder?.keeper(contentKey([...of, train.features]));
    const fit = { engine, classes: classes.length, signal, keeper };
    const [scores] = await scoreRates([train], config, {
      ...fit,
      onProgress: (done, total) => say('choosing the learning rate: epoch', done, total),
    });
    const rates = scores!;
    const best = bestRate(rates) ?? config.learningRates[0]!;
    const settings = probeSettings(config, train.labels.length, [best]);
    const { lastStep } = probeSteps(settings, train.labels.length);
    const crossed = together ? await crossValidate(train, config, fit, say) : undefined;
    const { source, testSource } = all;
    const counts = { images: train.labels.length, testImages: judged.labels.length, folds: crossed?.folds };
    const [head] = await trainProbe(train, settings, {
      ...fit,
      onStart: async (step) => folder?.start(engine, { source, testSource, ...counts }, settings, step),
      async onEpoch(epoch, { step, losses, lr }) {
        say('training: epoch', epoch, config.epochs);
        await folder?.append({ step, epoch, loss: losses[0]!, lr });
      },
    });
    const accuracy = crossed ?? (await linearAccuracy(engine, [head!], judged))[0]!;
    await folder?.append({ step: lastStep, epoch: config.epochs, ...accuracy, learningRate: best });
    const about = { classes, step: lastStep, data: dataKey, engine: engine.description };
    const checkpoint = await folder?.save(model, extractor.config, head!, about);
    await listener.done();
    return {
      ...accuracy,
      ...{ best, rates, train: train.labels.length, test: judged.labels.length },
      batchSize: settings.batchSize,
      ...(checkpoint !== undefined && { checkpoint }),
    };
  } finally {
    await extractor.dispose();
    await folder?.close();
  }
}
