import { totalmem } from 'node:os';
import { assumedRate, measuredRate, measuredRateOf } from './bench/rate.ts';
import { type Advice, adviseSettings } from './config/advice/advise.ts';
import type { ImageFacts, MachineFacts, StartFacts } from './config/advice/facts.ts';
import { type Config, type ConfigInput, MAE_TASK } from './config/schema.ts';
import { type Dataset, splitOrder } from './data/sources/dataset.ts';
import { openDataset, testSetOf } from './data/sources/open.ts';
import { type OpenOptions, openOptions } from './data/sources/scheme.ts';
import { type Survey, type SurveyOptions, surveyImages } from './data/statistics/survey.ts';
import type { Engine } from './engines/engine.ts';
import type { OwnTasks } from './tasks/own.ts';
import { findModel } from './weights/model.ts';

export interface AdviseOptions extends Pick<SurveyOptions, 'sample' | 'onProgress' | 'signal'> {
  /** Time that training may take, in seconds. Default: an hour. */
  readonly seconds?: number | undefined;
  /** Settings that are fixed. */
  readonly given?: ConfigInput | undefined;
  /** The engine that will train. A few steps measure its rate. Without it, and of the reference, the rate of the machine's cores is assumed. */
  readonly engine?: Engine | undefined;
  /** A model, as `openModel` opens it, whose weights training starts with. Default: the given setting `from`. */
  readonly initFrom?: string | undefined;
  readonly own?: OwnTasks | undefined;
  readonly sources?: OpenOptions['sources'];
  readonly onNote?: ((message: string) => void) | undefined;
}

/** Advice about a data set. */
export interface AdviseResult extends Advice {
  readonly survey: Survey;
  readonly machine: MachineFacts;
}

/** Time that training may take by default, in seconds. */
export const USUAL_SECONDS = 3600;

/**
 * Measures images and proposes settings of pre-training that suit them and this machine, each with its reason and source.
 *
 * ```ts
 * const { settings, notes } = await advise('~/photos', { seconds: 1200, engine: await openEngine({ name: 'auto' }) });
 * await pretrain(mergeConfig({ data: { source: '~/photos' } }, settings), { output: 'runs/photos' });
 * ```
 * Rejects with a DataError where the images cannot be used, ConfigError for wrong given settings, and as `openModel` does.
 */
export async function advise(source: string | Dataset, options: AdviseOptions = {}): Promise<AdviseResult> {
  const {
    seconds = USUAL_SECONDS,
    given,
    engine,
    initFrom = given?.from || undefined,
    own,
    sources,
    signal,
    onProgress,
    onNote,
  } = options;
  const start = initFrom === undefined ? undefined : await startFacts(initFrom, given);
  const opened =
    typeof source === 'string'
      ? await openDataset(source, openOptions({ onProgress, onNote, signal, sources }))
      : source;
  const [low, high] = given?.data?.range ?? start?.range ?? [];
  const survey = await surveyImages(opened, {
    ...{ sample: options.sample, onProgress, signal },
    channels:
      given?.model?.channels ??
      start?.model.channels ??
      given?.data?.mean?.length ??
      given?.data?.std?.length,
    ...(low !== undefined && high !== undefined && { range: [low, high] }),
  });
  signal?.throwIfAborted();
  onProgress?.('measuring this machine', 0, 1);
  const rough = await machineFacts(engine);
  const tested = typeof source === 'string' && testSetOf(source, sources) !== undefined;
  const facts = { ...imageFacts(survey, tested), heldOut: heldOutLimits(opened, survey) };
  const of = (machine: MachineFacts) => adviseSettings(facts, machine, { seconds, given, start, own });
  const proposed = of(rough);
  // On an accelerator the step would have to be compiled for it, and that takes longer than a wrong estimate costs.
  if (!isMeasured(engine) || rough.accelerator) return { ...proposed, survey, machine: rough };
  signal?.throwIfAborted();
  const rate = await measuredRateOf(proposed.config, engine, rough.flops, own);
  const machine = { ...rough, ...rate };
  return { ...of(machine), survey, machine };
}

/** Plain loops would take minutes for a step. */
const isMeasured = (engine: Engine | undefined): engine is Engine =>
  engine !== undefined && engine.name !== 'reference';

function imageFacts(survey: Survey, tested: boolean): ImageFacts {
  const { images: files, read, broken, shorterSide, classes } = survey;
  const { mean, std, correlationLength, readSeconds, blockCorrelation } = survey;
  const images = Math.max(1, Math.round((files * read) / (read + broken.length)));
  return {
    ...{
      images,
      files,
      tested,
      channels: mean.length,
      mean,
      std,
      correlationLength,
      readSeconds,
      blockCorrelation,
    },
    side: shorterSide.median,
    labelled: classes !== undefined && classes > 1,
  };
}

/** Fewest and most files to hold out so that both parts have an image that can be read; undefined where none is broken. */
function heldOutLimits(dataset: Dataset, { broken }: Survey): ImageFacts['heldOut'] {
  if (broken.length === 0) return undefined;
  const unreadable = new Set(broken.map(([name]) => name));
  const order = splitOrder(dataset.length);
  const isReadable = (index: number) => !unreadable.has(dataset.id(index));
  return [order.findIndex(isReadable) + 1, order.findLastIndex(isReadable)];
}

async function machineFacts(engine: Engine | undefined): Promise<MachineFacts> {
  const { flops, how } = isMeasured(engine) ? await measuredRate(engine) : assumedRate();
  return {
    ...{ flops, how, memory: totalmem(), accelerator: engine?.name === 'xla' },
    precision: engine?.precision,
  };
}

async function startFacts(path: string, given: ConfigInput = {}): Promise<StartFacts> {
  const { heads, decoder: ofDecoder } = given.model ?? {}; // where the file does not state them
  const { description } = await findModel(path, { unusualHeads: heads, decoderHeads: ofDecoder?.heads });
  const { encoder, decoder, normalisation, evaluationCrop, source, run } = description;
  const { mean, std, range } = normalisation;
  const own = (run?.config as Partial<Config> | undefined)?.task;
  const task = own ?? MAE_TASK;
  return { path, source, model: decoder ?? encoder, mean, std, range, evaluationCrop, task };
}
