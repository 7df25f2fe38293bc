import type { Backend, Session, StepResult, TrainingPlan } from '../backends/backend.ts';
import { microBatchOf } from '../config/rules.ts';
import type { BrokenImages } from '../data/broken.ts';
import { appendRow } from '../io/jsonl.ts';
import { adamw } from '../optim/adamw.ts';
import { learningRate, type Schedule, scaledPeak } from '../optim/schedule.ts';
import { type Progress, saveCheckpoint } from './checkpoint.ts';
import type { RunData } from './datasets.ts';
import { RunError } from './error.ts';
import type { Outcome, PretrainEvent, StepRow } from './events.ts';
import { Observer } from './observer.ts';
import { readMetrics } from './pictures.ts';
import type { KnnProbe } from './probe.ts';
import { checkpointPath, listCheckpoints, pruneCheckpoints, type RunFolder } from './run-folder.ts';
import type { Setup } from './setup.ts';
import { type StepInputs, TrainingInputs } from './training-inputs.ts';

/** What a trainer works with. */
export interface TrainerParts {
  readonly setup: Setup;
  readonly data: RunData;
  readonly backend: Backend;
  /** Holds the weights. */
  readonly session: Session;
  /** Judges the features every `evaluation.knnEvery` epochs. */
  readonly probe: KnnProbe | undefined;
  /** Whether the run began with random weights. */
  readonly randomStart: boolean;
  readonly folder: RunFolder;
  readonly broken: BrokenImages;
  readonly emit: (event: PretrainEvent) => void;
}

/** Updates from where a run stands to where it ends. */
export class Trainer {
  readonly stepsPerEpoch: number;
  /** The update at which all epochs are done, and the one at which this run ends. */
  readonly totalSteps: number;
  readonly lastStep: number;
  readonly observer: Observer;
  readonly #parts: TrainerParts;
  readonly #plan: TrainingPlan;
  readonly #schedule: Schedule;
  #progress: Progress;
  #savedStep = -1;

  /** Throws RunError when the images do not fill a batch. @param progress of the checkpoint that the run goes on from */
  constructor(parts: TrainerParts, progress?: Progress) {
    const { setup, data, backend } = parts;
    const { training } = setup.config;
    this.#parts = parts;
    if (training.batchSize > data.train.length)
      throw new RunError(
        `training.batchSize must not exceed the number of training images, got ${training.batchSize} and ${data.train.length}`,
      );
    this.stepsPerEpoch = Math.floor(data.train.length / training.batchSize);
    this.totalSteps = training.epochs * this.stepsPerEpoch;
    this.lastStep = training.maxSteps > 0 ? Math.min(training.maxSteps, this.totalSteps) : this.totalSteps;
    this.observer = new Observer(parts);
    const { gradients, parameters } = setup.programs(microBatchOf(training));
    const rule = adamw({ beta1: training.beta1, beta2: training.beta2, epsilon: training.epsilon });
    this.#plan = { gradients, parameters, rule, ...(training.clip > 0 && { clip: training.clip }) };
    const peak = scaledPeak(training.learningRate, training.batchSize);
    this.#schedule = {
      peak,
      warmupSteps: Math.round(training.warmupEpochs * this.stepsPerEpoch),
      totalSteps: this.totalSteps,
      floor: Math.min(training.minLearningRate, peak), // a small batch's peak may lie below it
    };
    this.#progress = {
      ...(progress ?? { step: 0, skipped: 0, epoch: 0, cursor: { epoch: 0, position: 0 } }),
      data: data.train.contentKey,
      engine: backend.description,
    };
    if (progress) this.#savedStep = progress.step;
  }

  get step(): number {
    return this.#progress.step;
  }

  /** Trains until the end or until the signal is aborted, which lets the current update finish. */
  async run(signal?: AbortSignal): Promise<Outcome> {
    const { setup, data, folder, broken } = this.#parts;
    const rows = await readMetrics(folder);
    const earlier = rows.at(-1)?.seconds ?? 0;
    if (rows.length === 0 && this.step === 0 && !signal?.aborted) await this.#begin();
    const { batchSize } = setup.config.training;
    const { cursor } = this.#progress;
    const prefetch = microBatchOf(setup.config.training) < batchSize ? 1 : 2; // a batch that needs cutting is large
    const views = setup.trainingViews(data.train, { batchSize, broken, cursor, prefetch });
    const inputs = new TrainingInputs(views, setup);
    let spent = 0; // seconds of training in this sitting
    try {
      while (this.step < this.lastStep && !signal?.aborted) {
        const started = performance.now();
        const taken = await inputs.take();
        const { row, epochEnded } = await this.#update(taken, inputs);
        const seconds = (performance.now() - started) / 1000;
        spent += seconds;
        const imagesPerSecond = round(batchSize / seconds, 1);
        await this.#finish({ ...row, imagesPerSecond, seconds: round(earlier + spent, 3) }, epochEnded);
      }
    } catch (error) {
      throw await this.#withAdvice(error);
    } finally {
      await inputs.dispose();
    }
    return this.#end();
  }

  /** One update, while the next one's inputs are made. */
  async #update(
    { parts, epoch, cursor }: StepInputs,
    inputs: TrainingInputs,
  ): Promise<{ row: StepRow; epochEnded: boolean }> {
    const { step, skipped } = this.#progress;
    const lr = learningRate(step, this.#schedule);
    const running = this.#parts.session.step(this.#plan, parts, { step: step - skipped, lr });
    if (step + 1 < this.lastStep) inputs.prepare();
    const { metrics, gradientNorm, nonFinite } = await running;
    if (nonFinite !== undefined) this.#refuse(nonFinite, step + 1);
    this.#progress = {
      ...this.#progress,
      step: step + 1,
      skipped: skipped + (nonFinite === undefined ? 0 : 1),
      epoch: cursor.epoch,
      cursor,
    };
    const row = {
      step: step + 1,
      epoch: round((step + 1) / this.stepsPerEpoch, 6),
      ...metrics,
      lr,
      gradientNorm,
      ...(nonFinite !== undefined && { skipped: nonFinite }),
    };
    return { row, epochEnded: cursor.epoch > epoch };
  }

  /** What follows an update: measurements, the row, the checkpoint. */
  async #finish(row: StepRow, epochEnded: boolean): Promise<void> {
    const { folder, emit, setup } = this.#parts;
    const measured = epochEnded ? await this.observer.atEpoch(this.#progress) : {};
    const complete = { ...row, ...measured };
    await appendRow(folder.metrics, complete);
    emit({ type: 'step', row: complete, lastStep: this.lastStep });
    const picturesDue = epochEnded || this.step === this.lastStep;
    // First the pictures: what a checkpoint follows is complete, whenever the process is killed.
    if (picturesDue) await this.observer.draw(this.step, true);
    const { every } = setup.config.checkpoints;
    if (picturesDue || (every > 0 && this.step % every === 0)) await this.#save();
  }

  /** Measures what training starts from, and keeps it where no seed gives it again. */
  async #begin(): Promise<void> {
    if (!this.#parts.randomStart && this.#savedStep !== 0) await this.#save();
    const measured = await this.observer.atStart();
    if (measured) await appendRow(this.#parts.folder.metrics, { step: 0, epoch: 0, ...measured });
  }

  async #end(): Promise<Outcome> {
    const { emit } = this.#parts;
    const outcome =
      this.step < this.lastStep ? 'interrupted' : this.step < this.totalSteps ? 'max-steps' : 'finished';
    if (outcome === 'interrupted') {
      await this.observer.draw(this.step, false);
      if (this.#savedStep !== this.step) await this.#save();
    }
    emit({ type: 'end', outcome, step: this.step, lastStep: this.lastStep });
    return outcome;
  }

  async #save(): Promise<void> {
    const { folder, setup, session, emit } = this.#parts;
    const { config } = setup;
    const path = checkpointPath(folder, this.step);
    const { specs } = setup.programs(microBatchOf(config.training));
    await saveCheckpoint(path, {
      config,
      progress: this.#progress,
      state: await session.read(),
      parameters: specs,
      slots: this.#plan.rule.slots,
    });
    this.#savedStep = this.step;
    await pruneCheckpoints(folder, config.checkpoints.keep);
    emit({ type: 'file', kind: 'checkpoint', path });
  }

  #refuse(tensor: NonNullable<StepResult['nonFinite']>, step: number): void {
    if (this.#parts.setup.config.training.nonFinite === 'skip') return;
    throw new RunError(
      `step ${step}: ${tensor} must be finite, got infinity or NaN; the weights are those of step ${step - 1}. ` +
        'A lower training.learningRate, training.clip=1 or training.nonFinite=skip may help',
    );
  }

  /** The error with the way back from it. */
  async #withAdvice(error: unknown): Promise<unknown> {
    if (!(error instanceof Error)) return error;
    const last = (await listCheckpoints(this.#parts.folder)).at(-1);
    const advice = last
      ? `the last good checkpoint is ${last}: go on from it with --resume`
      : 'there is no checkpoint yet';
    return new RunError(`${error.message}\n${advice}`, { cause: error });
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
