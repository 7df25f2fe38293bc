import type { Complete, StepResult } from '../engines/engine.ts';
import { plainMessage } from '../io/system-error.ts';
import { learningRate, type Schedule, scaledPeak } from '../optim/schedule.ts';
import type { Progress } from '../run/checkpoint-codec.ts';
import { RunError } from '../run/error.ts';
import type { Outcome, StepRow } from '../run/events.ts';
import type { RanksWatch } from '../run/lost-rank.ts';
import {
  appendMetrics,
  checkpointName,
  checkpointNames,
  metricsOf,
  pruneCheckpoints,
  replaceLastMetrics,
  writeCurves,
} from '../run/run-files.ts';
import type { RunContext, TrainingJob } from './job.ts';
import { SlowRanks } from './slow-ranks.ts';
import { type Stopping, stoppingBy, stoppingTogether } from './stopping.ts';
import { StuckRanks } from './stuck-ranks.ts';
import { type StepInputs, TrainingInputs } from './training-inputs.ts';

/** Updates from one checkpoint to the next, at least, at the ends of epochs. After a few updates each, they would take longer than the training. */
const APART = 50;

/** An update that the engine has not finished. */
interface PendingStep extends StepInputs {
  readonly step: number;
  readonly lr: number;
  readonly result: Promise<StepResult>;
  /** True: the measurements need the state as this update leaves it. */
  readonly pause: boolean;
}

/** The training loop: from the current step to the last. */
export class Trainer {
  readonly stepsPerEpoch: number;
  /** The update at which all epochs are done, and the one at which this run ends. */
  readonly totalSteps: number;
  readonly lastStep: number;
  readonly #job: TrainingJob;
  readonly #at: RunContext;
  readonly #schedule: Schedule;
  #progress: Progress;
  #savedStep = -1;
  #stopping: Stopping = stoppingBy(undefined);
  #stuck: StuckRanks | undefined;
  #slow: SlowRanks | undefined;
  /** True if the run was stopped during the measurements after the last update. */
  #isUnmeasured = false;

  /**
   * Throws RunError when the images do not fill a batch.
   * @param about what the checkpoints say of images and engine, see `Progress`
   * @param progress of the checkpoint from which the run resumes
   */
  constructor(
    job: TrainingJob,
    at: RunContext,
    about: Pick<Progress, 'data' | 'engine'>,
    progress?: Progress,
  ) {
    const { images, settings } = job;
    const { training } = settings;
    this.#job = job;
    this.#at = at;
    if (training.batchSize > images.length)
      throw new RunError(
        `training.batchSize must not exceed the number of training images, got ${training.batchSize} and ${images.length}`,
      );
    this.stepsPerEpoch = Math.floor(images.length / training.batchSize);
    this.totalSteps = training.epochs * this.stepsPerEpoch;
    this.lastStep = training.maxSteps > 0 ? Math.min(training.maxSteps, this.totalSteps) : this.totalSteps;
    const peak = scaledPeak(training.learningRate, training.batchSize);
    this.#schedule = {
      peak,
      warmupSteps: Math.round(training.warmupEpochs * this.stepsPerEpoch),
      totalSteps: this.totalSteps,
      floor: Math.min(training.minLearningRate, peak), // a small batch's peak may lie below it
      shape: training.schedule,
    };
    this.#progress = {
      ...(progress ?? { step: 0, skipped: 0, epoch: 0, cursor: { epoch: 0, position: 0 } }),
      ...about,
    };
    if (progress) this.#savedStep = progress.step;
  }

  get step(): number {
    return this.#progress.step;
  }

  /**
   * Trains until the end or until the signal is aborted, which lets the current update finish. Ranks finish the same
   * one.
   * @param watch notices when another rank has ended, for which this one would wait
   */
  async run(signal?: AbortSignal, watch?: Pick<RanksWatch, 'lost' | 'waits'>): Promise<Outcome> {
    try {
      return await Promise.race([this.#run(signal, watch), ...(watch ? [watch.lost] : [])]);
    } catch (error) {
      throw await this.#withAdvice(error);
    }
  }

  async #run(signal?: AbortSignal, watch?: Pick<RanksWatch, 'waits'>): Promise<Outcome> {
    if (this.#job.ranks) this.#joinRanks(this.#job.ranks, signal, watch);
    else this.#stopping = stoppingBy(signal);
    const rows = await metricsOf(this.#at.store);
    const last = rows.at(-1);
    this.#isUnmeasured = last?.unmeasured === true;
    await this.#untilStopped(signal, async () => {
      if (!last && this.step === 0) await this.#begin(signal);
      else if (last?.unmeasured) await this.#measureLast(last, signal);
    });
    await this.#stopping.agree();
    await this.#train(last?.seconds ?? 0, signal);
    return await this.#end();
  }

  #joinRanks(
    { rank }: { readonly rank: number },
    signal?: AbortSignal,
    watch?: Pick<RanksWatch, 'waits'>,
  ): void {
    this.#stopping = stoppingTogether(signal, this.#at.session);
    const note = (message: string) => this.#at.emit({ type: 'note', message });
    this.#stuck = new StuckRanks((message) => {
      note(message);
      watch?.waits();
    });
    if (rank === 0) this.#slow = new SlowRanks(note);
  }

  /** Makes the updates. @param earlier seconds of training in earlier sittings */
  async #train(earlier: number, signal?: AbortSignal): Promise<void> {
    const { batchSize } = this.#job.settings.training;
    const { broken } = this.#at;
    const { cursor } = this.#progress;
    const prefetch = this.#job.microBatches > 1 ? 1 : 2; // a batch that needs cutting is large
    const inputs = new TrainingInputs(this.#job, this.#job.views({ batchSize, broken, cursor, prefetch }));
    const asked: PendingStep[] = [];
    const more = () =>
      this.step + asked.length < this.lastStep && !this.#stopping.stops && !asked.at(-1)?.pause;
    let spent = 0; // seconds of training in this sitting
    let from = performance.now();
    try {
      while (asked.length > 0 || more()) {
        while (asked.length < this.#stepsAtOnce && more())
          asked.push(await this.#ask(inputs, this.step + asked.length));
        const update = asked.shift()!;
        const row = await this.#row(update);
        const now = performance.now();
        const seconds = (now - from) / 1000;
        spent += seconds;
        const imagesPerSecond = Number((batchSize / seconds).toPrecision(4));
        await this.#finish({ ...row, imagesPerSecond, seconds: round(earlier + spent, 3) }, update, signal);
        from = asked.length > 0 ? now : performance.now(); // measurements after an update do not count as training, unless it continues meanwhile
      }
    } finally {
      await Promise.allSettled(asked.map(({ result }) => result));
      await inputs.dispose();
    }
  }

  /** Where updates that are not finite are left out, whether one was must be known before the next; and a plan with values midway takes one. */
  get #stepsAtOnce(): number {
    const { settings, plan } = this.#job;
    return settings.training.nonFinite === 'skip' || plan.midway ? 1 : (this.#at.session.stepsAtOnce ?? 1);
  }

  /** Starts one update, then starts preparing the next one's inputs. */
  async #ask(inputs: TrainingInputs, step: number): Promise<PendingStep> {
    const taken = await inputs.take();
    const lr = learningRate(step, this.#schedule);
    const at = { step: step - this.#progress.skipped, lr, ...this.#stopping.report };
    const { plan } = this.#job;
    const complete: Complete | undefined =
      plan.midway && ((values, part) => this.#job.complete!(taken.batch, values, part));
    const result = this.#at.session.step(plan, taken.parts, at, complete);
    result.catch(() => {}); // whoever awaits it gets the error
    if (step + 1 < this.lastStep) inputs.prepare();
    return { ...taken, step, lr, result, pause: epochEnded(taken) || this.#saveDue(step + 1) };
  }

  #saveDue(step: number): boolean {
    const { every } = this.#job.settings.checkpoints;
    return every > 0 && step % every === 0;
  }

  /** True if a checkpoint and curves are due at the end of this epoch. */
  #isEpochKept(epoch: number): boolean {
    const { keepEvery } = this.#job.settings.checkpoints;
    return epoch % Math.ceil(APART / this.stepsPerEpoch) === 0 || (keepEvery > 0 && epoch % keepEvery === 0);
  }

  /** Handles the result of an update. */
  async #row({ step, lr, cursor, broken, result, recycle }: PendingStep): Promise<StepRow> {
    const made = await (this.#stuck?.watch(step + 1, result) ?? result);
    const { metrics, gradientNorm, nonFinite } = made;
    this.#stopping.take(made);
    if (made.milliseconds) this.#slow?.take(made.milliseconds);
    recycle();
    if (nonFinite !== undefined) this.#refuse(nonFinite, step + 1);
    const { skipped } = this.#progress;
    this.#progress = {
      ...this.#progress,
      step: step + 1,
      skipped: skipped + (nonFinite === undefined ? 0 : 1),
      epoch: cursor.epoch,
      cursor,
      ...this.#brokenWith(broken),
    };
    return {
      step: step + 1,
      epoch: round((step + 1) / this.stepsPerEpoch, 6),
      ...metrics,
      lr,
      gradientNorm,
      ...(nonFinite !== undefined && { skipped: nonFinite }),
    };
  }

  /** The broken images that the updates so far passed over. The loader knows more: it runs ahead. */
  #brokenWith(names: readonly string[]): Pick<Progress, 'broken'> {
    const known = new Map(this.#progress.broken);
    const { reasons } = this.#at.broken;
    for (const name of names) if (!known.has(name)) known.set(name, reasons.get(name) ?? '');
    return known.size > 0 ? { broken: [...known].sort(([a], [b]) => (a < b ? -1 : 1)) } : {};
  }

  /** After an update: measurements, the row, the checkpoint. */
  async #finish(row: StepRow, update: PendingStep, signal?: AbortSignal): Promise<void> {
    const last = this.step === this.lastStep;
    if (!epochEnded(update) && !last) {
      await this.#record(row);
      if (this.#saveDue(this.step)) await this.#save();
      return;
    }
    const completed = await this.#complete(row, signal);
    await this.#stopping.agree();
    if (completed === 'stopped') return;
    // First the pictures: what a checkpoint follows is complete, whenever the process is killed.
    await this.#drawPictures();
    if (!last && !this.#isEpochKept(this.#progress.epoch) && !this.#saveDue(this.step)) return;
    await this.#drawCurves();
    await this.#save();
  }

  async #record(row: StepRow): Promise<void> {
    await appendMetrics(this.#at.store, row);
    this.#at.emit({ type: 'step', row, lastStep: this.lastStep });
  }

  /** Completes the row of an epoch's or the run's last update; a run that is stopped meanwhile keeps the row as it is. */
  async #complete(row: StepRow, signal?: AbortSignal): Promise<'done' | 'stopped'> {
    const done = await this.#untilStopped(signal, async () => {
      await this.#record({ ...row, ...(await this.#measure(signal)) });
    });
    if (done) return 'done';
    this.#isUnmeasured = true;
    await this.#record({ ...row, unmeasured: true });
    return 'stopped';
  }

  #measure(signal?: AbortSignal): Promise<Record<string, unknown>> {
    return this.#job.measurements.atEpoch(this.#progress, this.step === this.lastStep, signal);
  }

  /** Measures and draws what an earlier sitting left out when it was stopped. */
  async #measureLast({ unmeasured, ...row }: StepRow, signal?: AbortSignal): Promise<void> {
    const complete = { ...row, ...(await this.#measure(signal)) };
    await replaceLastMetrics(this.#at.store, complete);
    this.#isUnmeasured = false;
    this.#at.emit({ type: 'step', row: complete, lastStep: this.lastStep });
    await this.#drawPictures();
    await this.#drawCurves();
  }

  /** True if the work was done; false if the signal was aborted before or meanwhile. */
  async #untilStopped(signal: AbortSignal | undefined, work: () => Promise<void>): Promise<boolean> {
    if (signal?.aborted) return false;
    try {
      await work();
      return true;
    } catch (error) {
      if (signal?.aborted && error === signal.reason) return false;
      throw error;
    }
  }

  /** Measures what training starts from, and keeps it where no seed gives it again. */
  async #begin(signal?: AbortSignal): Promise<void> {
    if (!this.#job.randomStart && this.#savedStep !== 0) await this.#save();
    const measured = await this.#job.measurements.atStart(signal);
    if (measured) await appendMetrics(this.#at.store, { step: 0, epoch: 0, ...measured });
  }

  async #end(): Promise<Outcome> {
    const { emit } = this.#at;
    const stopped = this.step < this.lastStep || this.#isUnmeasured;
    const outcome = stopped ? 'interrupted' : this.step < this.totalSteps ? 'max-steps' : 'finished';
    if (outcome === 'interrupted') {
      await this.#drawCurves();
      if (this.#savedStep !== this.step) await this.#save();
    }
    emit({ type: 'end', outcome, step: this.step, lastStep: this.lastStep });
    return outcome;
  }

  /** Draws what the weights of this step do, after an epoch. */
  async #drawPictures(): Promise<void> {
    await this.#tryToDraw(async () => this.#job.measurements.draw?.(this.step));
  }

  /** Draws the curves of the run so far. */
  async #drawCurves(): Promise<void> {
    const { store, emit } = this.#at;
    await this.#tryToDraw(async () => {
      emit({ type: 'file', kind: 'curves', path: await writeCurves(store, this.#job.title) });
    });
  }

  /** A picture that fails ends no run. */
  async #tryToDraw(draw: () => Promise<void>): Promise<void> {
    try {
      await draw();
    } catch (error) {
      this.#at.emit({ type: 'note', message: `a picture could not be drawn: ${plainMessage(error)}` });
    }
  }

  async #save(): Promise<void> {
    const { store, emit } = this.#at;
    const name = checkpointName(this.step);
    await this.#job.save(name, this.#progress);
    this.#savedStep = this.step;
    const { keep, keepEvery } = this.#job.settings.checkpoints;
    const stays = (step: number) =>
      keepEvery > 0 && step > 0 && step % (keepEvery * this.stepsPerEpoch) === 0;
    await pruneCheckpoints(store, keep, stays);
    emit({ type: 'file', kind: 'checkpoint', path: store.place(name) });
  }

  #refuse(tensor: NonNullable<StepResult['nonFinite']>, step: number): void {
    if (this.#job.settings.training.nonFinite === 'skip') return;
    throw new RunError(
      `step ${step}: ${tensor} must be finite, got infinity or NaN; the weights are those of step ${step - 1}. ` +
        'A lower training.learningRate, training.clip=1 or training.nonFinite=skip may help',
    );
  }

  /** The error with the way back from it. */
  async #withAdvice(error: unknown): Promise<unknown> {
    if (!(error instanceof Error)) return error;
    const { store } = this.#at;
    const last = (await checkpointNames(store).catch(() => [])).at(-1);
    const advice = last
      ? `the last good checkpoint is ${store.place(last)}: continue from it with --resume`
      : 'there is no checkpoint yet';
    return new RunError(`${plainMessage(error)}; ${advice}`, { cause: error });
  }
}

function epochEnded({ epoch, cursor }: StepInputs): boolean {
  return cursor.epoch > epoch;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
