import { microBatchOf } from '../config/rules.ts';
import { BrokenImages } from '../data/load/broken.ts';
import type { Backend } from '../engines/engine.ts';
import type { Values } from '../graph/index.ts';
import { trainingPlan } from '../programs/plan.ts';
import { type Checkpoint, encodeCheckpoint } from '../run/checkpoint-codec.ts';
import type { Outcome, RunningEvent, StartEvent } from '../run/events.ts';
import type { RunConfig } from '../run/kind.ts';
import type { Judged } from '../run/sittings.ts';
import type { RunStore } from '../run/store.ts';
import { runTitle } from '../run/title.ts';
import { oneLine } from '../text/one-line.ts';
import type { TrainingJob } from './job.ts';
import { Trainer } from './trainer.ts';
import type { MonitorParts, Training, TrainingData, TrainingSetup } from './training.ts';

/** A run that can begin or go on: what is trained on which images, from which weights, by which engine, kept where. */
export interface ReadyRun<C extends RunConfig, D extends TrainingData, S extends TrainingSetup, Start> {
  readonly training: Pick<Training<C, D, S, Start>, 'kind' | 'monitor'>;
  readonly config: C;
  readonly data: D;
  /** What the images are known by, see `identify`. */
  readonly dataKey: string;
  readonly setup: S;
  /** Weights, and optimizer slots where the run goes on. */
  readonly state: Values;
  readonly backend: Backend;
  readonly store: RunStore;
  /** The one that the run goes on from. */
  readonly checkpoint?: Checkpoint<C>;
  /** Called when nothing can be refused any more. @param judged the images that judge the run */
  begin?(judged: Partial<Judged>): Promise<void>;
}

/**
 * Trains a run to its end, or until the signal is aborted, and leaves metrics, checkpoints and curves in its store. Needs no module of
 * Node. Throws RunError for a loss that is not finite, and for a batch that the images do not fill.
 */
export async function runTraining<
  C extends RunConfig,
  D extends TrainingData,
  S extends TrainingSetup,
  Start,
>(
  {
    training,
    config,
    data,
    dataKey,
    setup,
    state,
    backend,
    store,
    checkpoint,
    begin,
  }: ReadyRun<C, D, S, Start>,
  {
    emit = () => {},
    signal,
  }: {
    readonly emit?: (event: RunningEvent | (StartEvent<C> & Start)) => void;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<{ readonly outcome: Outcome; readonly step: number }> {
  const { kind } = training;
  const note = (message: string) => emit({ type: 'note', message });
  const { gradients, parameters, specs } = setup.programs(microBatchOf(config.training));
  const session = await backend.open(state);
  try {
    const report = (id: string, reason: string) => note(`broken image skipped: ${oneLine(id)}: ${reason}`);
    const context = { session, store, broken: new BrokenImages(report, checkpoint?.progress.broken), emit };
    const randomStart = config.from === '' && !checkpoint;
    const plan = trainingPlan(config.training, gradients, parameters);
    const { classes } = setup;
    const save: MonitorParts<S, D>['save'] = (name, progress, state, slots) =>
      store.write(
        name,
        encodeCheckpoint({ kind, config, classes, progress, state, parameters: specs, slots }),
      );
    const monitor = training.monitor({ ...context, setup, data, backend, randomStart, note, save });
    const job: TrainingJob = {
      settings: config,
      title: runTitle(config, kind),
      images: data.train,
      randomStart,
      plan,
      views: (given) => setup.trainingViews(data.train, given),
      inputs: (batch) => setup.inputs(batch),
      save: (name, progress, state) => save(name, progress, state, plan.rule.slots),
      measurements: monitor,
    };
    const about = { data: dataKey, engine: backend.description };
    const trainer = new Trainer(job, context, about, checkpoint?.progress);
    await begin?.(monitor.judged);
    emit({
      type: 'start',
      folder: store.place(''),
      config,
      engine: backend.description,
      images: data.train.length,
      stepsPerEpoch: trainer.stepsPerEpoch,
      lastStep: trainer.lastStep,
      step: trainer.step,
      ...(await monitor.start()),
    });
    return { outcome: await trainer.run(signal), step: trainer.step };
  } finally {
    await session.dispose();
  }
}
