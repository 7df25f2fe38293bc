import type { FetchEvent, RunningEvent, StartEvent, StepRow } from '../../run/events.ts';
import type { RunConfig } from '../../run/kind.ts';
import { plural } from '../../text/plural.ts';
import { shellLine } from '../../text/shell.ts';
import { fetching } from './fetching.ts';
import { ProgressBar } from './progress-bar.ts';
import { Stages } from './stages.ts';
import { count, duration, percent } from './table.ts';

export type RunEvent<S> = RunningEvent | FetchEvent | S;
type EventOf<T extends RunningEvent['type']> = Extract<RunningEvent, { type: T }>;

/** Seconds after which it is shown that nothing was heard of a run. */
const QUIET = 3;
const STARTING = 'reading images and weights';

/** Options of a command that its report depends on. */
export interface ReportOptions {
  /** One object a line. */
  readonly json?: boolean;
  readonly taskFile?: string | undefined;
}

/**
 * Shows the events of a run of any kind: a progress bar or plain lines, or with `json` one object a line. A kind may extend it.
 */
export class RunReport<S extends StartEvent<RunConfig>, E = RunEvent<S>> {
  protected readonly bar = new ProgressBar();
  /** The start event of the run. */
  protected start: S | undefined;
  readonly #kind: string;
  readonly #output: string;
  /** Options that resume the run. */
  readonly #resume: readonly string[];
  readonly #json: boolean;
  /** Newest file of each kind. */
  readonly #files = new Map<string, string>();
  readonly #stages = new Stages();
  #waiting: NodeJS.Timeout | undefined;
  /** Images per second, smoothed. */
  #speed = 0;

  constructor(kind: string, output: string, { json = false, taskFile }: ReportOptions) {
    this.#kind = kind;
    this.#output = output;
    this.#resume = ['--resume', output, ...(taskFile === undefined ? [] : ['--task-file', taskFile])];
    this.#json = json;
    if (!json) this.#wait(STARTING);
  }

  show(event: E): void {
    if (this.#json) console.log(JSON.stringify(event));
    else {
      this.print(event);
      this.#wait(this.start ? 'preparing what comes next' : STARTING);
    }
  }

  /** Ctrl-C was pressed. */
  stopping(): void {
    this.bar.line('stopping after this step and saving; press Ctrl-C again to stop at once', process.stderr);
  }

  close(): void {
    clearInterval(this.#waiting);
    this.bar.clear();
  }

  /** From now on, shows how long nothing was heard of the run. */
  #wait(what: string): void {
    const since = performance.now();
    clearInterval(this.#waiting);
    this.#waiting = setInterval(() => {
      const seconds = (performance.now() - since) / 1000;
      if (seconds > QUIET) this.bar.update(0, `${what}, ${duration(seconds)}`);
    }, 1000);
    this.#waiting.unref();
  }

  /** Prints an event; `printUsual` prints the events of every kind. */
  protected print(event: E): void {
    this.printUsual(event as RunEvent<S>);
  }

  /** Lines at the start, beside those of engine and folder: a label and what it says each. */
  protected beginning({ config, images }: S): readonly (readonly [label: string, text: string])[] {
    const { epochs, batchSize } = config.training;
    const recipe = config.recipe === 'custom' ? 'none' : config.recipe;
    return [
      ['recipe', `${recipe}: ${plural(epochs, 'epoch')}, batch ${batchSize}`],
      ['images', `${config.data.source}: ${count(images)}`],
    ];
  }

  /** A line for a row in which something was judged; undefined for other rows. */
  protected judged(_: StepRow): string | undefined {
    return undefined;
  }

  /** The scores, below the files of a run that has ended; empty if there are none. */
  protected summary(): string {
    return '';
  }

  /** Commands to try next. */
  protected suggestions(start: S, output: string): readonly string[] {
    return [this.further(start, 2), shellLine('report', output)];
  }

  protected printUsual(event: RunEvent<S>): void {
    if (event.type === 'note') this.bar.line(event.message);
    else if (event.type === 'fetch') this.bar.update(...fetching(event.progress));
    else if (event.type === 'start') this.#begin(event);
    else if (event.type === 'step') this.#step(event);
    else if (event.type === 'evaluating') this.#evaluating(event);
    else if (event.type === 'file') this.#files.set(event.kind, event.path);
    else this.#end(event);
  }

  #evaluating({ what = 'evaluating', done, total }: EventOf<'evaluating'>): void {
    const left = this.#stages.left(what, done, total);
    this.bar.update(done / total, `${what}: ${percent(done / total)} done${left}`);
  }

  /** The command that trains further: to the end of the schedule, where `maxSteps` cut it short, else for more epochs. */
  protected further({ config, stepsPerEpoch }: S, times: number): string {
    const { epochs, maxSteps } = config.training;
    const cut = maxSteps > 0 && maxSteps < epochs * stepsPerEpoch;
    const more = [
      ...(cut ? [] : ['--epochs', `${epochs * times}`]),
      ...(maxSteps > 0 ? ['--max-steps', '0'] : []),
    ];
    return shellLine(this.#kind, ...this.#resume, ...more);
  }

  #begin(event: S): void {
    this.start = event;
    this.bar.clear();
    const from = event.step > 0 ? `, resuming after step ${event.step}` : '';
    const lines = [
      ...this.beginning(event),
      ['engine', event.engine],
      [
        'run',
        `${event.folder}: ${plural(event.lastStep, 'step')}, ${count(event.stepsPerEpoch)} an epoch${from}`,
      ],
    ] as const;
    for (const [label, text] of lines) console.log(`${label.padEnd(8)}${text}`);
  }

  #step({ row, lastStep }: EventOf<'step'>): void {
    const speed = row.imagesPerSecond ?? 0;
    this.#speed = this.#speed === 0 ? speed : 0.9 * this.#speed + 0.1 * speed;
    const { training } = this.start!.config;
    const left = ((lastStep - row.step) * training.batchSize) / this.#speed;
    const text = [
      `epoch ${row.epoch.toFixed(2)}/${training.epochs}`,
      `step ${row.step}/${lastStep}`,
      row.skipped ? `skipped: ${row.skipped}` : `loss ${row.loss?.toFixed(4)}`,
      `${this.#speed < 10 ? Number(this.#speed.toPrecision(2)) : this.#speed.toFixed(0)} img/s`,
      `${duration(left)} left`,
    ].join('  ');
    this.bar.update(row.step / lastStep, text);
    const line = this.judged(row);
    if (line) this.bar.line(line);
  }

  #end({ outcome, step, lastStep }: EventOf<'end'>): void {
    this.bar.clear();
    const start = this.start!;
    const output = this.#output;
    if (outcome === 'interrupted') {
      console.log(
        `\nStopped after step ${step} of ${lastStep}. Resume with:\n  npx beyond-masking ${shellLine(this.#kind, ...this.#resume)}`,
      );
      return;
    }
    const { config, stepsPerEpoch } = start;
    const total = stepsPerEpoch * config.training.epochs;
    const already = start.step >= lastStep;
    const ended =
      outcome === 'max-steps'
        ? `${already ? 'this run was ended already' : 'ended'} by training.maxSteps, at step ${step} of ${total}`
        : `${already ? 'this run was finished already' : 'finished'}, at step ${step}`;
    console.log(`\n${ended}: ${output}`);
    for (const [kind, path] of this.#files) console.log(`  ${kind.padEnd(16)}${path}`);
    const summary = this.summary();
    if (summary) console.log(`\n${summary}`);
    const next = this.suggestions(start, output).map((command) => `  npx beyond-masking ${command}`);
    console.log(`\ntry next:\n${next.join('\n')}`);
  }
}
