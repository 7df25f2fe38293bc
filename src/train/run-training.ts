import { microBatchesOf, microBatchOf } from '../config/rules.ts';
import { BrokenImages } from '../data/load/broken.ts';
import type { Engine } from '../engines/engine.ts';
import type { Values } from '../graph/index.ts';
import { trainingPlan } from '../programs/plan.ts';
import { type Checkpoint, encodeCheckpoint } from '../run/checkpoint-codec.ts';
import { RunError } from '../run/error.ts';
import type { Outcome, RunningEvent, StartEvent } from '../run/events.ts';
import type { RunConfig, RunKind } from '../run/kind.ts';
import { isLostRank, type RanksWatch } from '../run/lost-rank.ts';
import type { Judged } from '../run/sittings.ts';
import type { RunStore } from '../run/store.ts';
import { runTitle } from '../run/title.ts';
import { oneLine } from '../text/one-line.ts';
import type { TrainingJob } from './job.ts';
import { type Ranks, requireAgreement } from './ranks.ts';
import { Trainer } from './trainer.ts';
import type { Monitor, MonitorContext, TrainingSetup } from './training.ts';

/** A run that can begin or resume: settings, images, weights, engine and store. */
export interface ReadyRun<C extends RunConfig, Start extends object> {
  readonly kind: RunKind<C>;
  readonly config: C;
  /** The images that are trained on. */
  readonly images: { readonly length: number };
  /** Identity of the images, see `identify`. */
  readonly dataKey: string;
  readonly setup: Pick<TrainingSetup, 'programs' | 'inputs' | 'complete' | 'classes'>;
  /** Random views of the images, without end. */
  views: TrainingJob['views'];
  /** Weights, and optimizer slots if the run resumes. */
  readonly state: Values;
  readonly engine: Engine;
  readonly store: RunStore;
  /** The checkpoint from which the run resumes. */
  readonly checkpoint?: Checkpoint<C> | undefined;
  /** Place among the processes that share each batch. Default: one process. `views` and `inputs` are then of its share. */
  readonly ranks?: Ranks | undefined;
  /** Called when nothing can be refused any more. @param judged the images that judge the run */
  begin?(judged: Partial<Judged>): Promise<void>;
  /** Measurements and pictures. Default: only the curves. */
  monitor?(parts: MonitorContext): Monitor<Start>;
}

/**
 * Trains a run to its end, or until the signal is aborted, and leaves metrics, checkpoints and curves in its store. Needs no module of
 * Node. Throws RunError for a loss that is not finite, and for a batch that the images do not fill.
 */
export async function runTraining<C extends RunConfig, Start extends object>(
  {
    kind,
    config,
    images,
    dataKey,
    setup,
    views,
    state,
    engine,
    store,
    checkpoint,
    ranks,
    begin,
    monitor: monitorOf,
  }: ReadyRun<C, Start>,
  {
    emit = () => {},
    signal,
  }: {
    readonly emit?: (event: RunningEvent | (StartEvent<C> & Start)) => void;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<{ readonly outcome: Outcome; readonly step: number }> {
  const note = (message: string) => emit({ type: 'note', message });
  const microBatch = microBatchOf(config.training, ranks?.size);
  const programs = setup.programs(microBatch);
  const { specs } = programs;
  const microBatches = microBatchesOf(config.training, ranks?.size);
  const session = await engine.open(state, { collective: ranks?.collective });
  let leave = false;
  let isLost = false;
  let watch: RanksWatch | undefined;
  try {
    if (ranks) {
      if (!session.sum) throw new RunError(`ranks need an engine that sums over them, got ${engine.name}`);
      const start = String(checkpoint?.progress.step ?? 0);
      await requireAgreement(session, ranks, { settings: JSON.stringify(config), start, images: dataKey });
      watch = await ranks.watch?.((numbers) => session.sum!(numbers));
    }
    const writes = !ranks || ranks.rank === 0;
    const report = (id: string, reason: string) => note(`broken image skipped: ${oneLine(id)}: ${reason}`);
    const context = { session, store, broken: new BrokenImages(report, checkpoint?.progress.broken), emit };
    const randomStart = config.from === '' && !checkpoint;
    const { gradients, parameters, state: overwritten, midway } = programs;
    const plan = trainingPlan(config.training, gradients, parameters, overwritten, midway);
    const { classes } = setup;
    const save: MonitorContext['save'] = (name, progress, state, slots) =>
      store.write(
        name,
        encodeCheckpoint({ kind, config, classes, progress, state, parameters: specs, slots }),
      );
    const monitor = monitorOf?.({ ...context, microBatch, randomStart, note, save }) ?? unmeasured;
    const job: TrainingJob = {
      settings: config,
      title: runTitle(config, kind),
      images,
      randomStart,
      ranks,
      microBatches,
      plan,
      views,
      inputs: (batch) => setup.inputs(batch),
      ...(setup.complete && {
        complete: (batch, values, part) => setup.complete!(batch, values, part),
      }),
      async save(name, progress) {
        if (writes) await save(name, progress, await session.read(), plan.rule.slots);
      },
      measurements: monitor,
    };
    const about = { data: dataKey, engine: engine.description };
    const trainer = new Trainer(job, context, about, checkpoint?.progress);
    await begin?.(monitor.judged);
    emit({
      type: 'start',
      folder: store.place(''),
      config,
      engine: engine.description,
      images: images.length,
      stepsPerEpoch: trainer.stepsPerEpoch,
      lastStep: trainer.lastStep,
      step: trainer.step,
      ...((await monitor.start()) as Start),
    });
    const outcome = await trainer.run(signal, watch);
    leave = true;
    return { outcome, step: trainer.step };
  } catch (error) {
    isLost = isLostRank(error);
    throw error;
  } finally {
    watch?.close(!leave);
    const ended = session.dispose({ leave });
    if (!isLost) await ended; // else the engine may wait for the lost rank
  }
}

const unmeasured: Monitor<object> = {
  judged: {},
  start: () => ({}),
  atStart: async () => undefined,
  atEpoch: async () => ({}),
};
