import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Command, Option } from 'commander';
import { assumedRate, type TrainingRate } from '../../bench/rate.ts';
import { short } from '../../config/recipes.ts';
import { writeFileAtomic } from '../../io/atomic.ts';
import { makeFolder } from '../../io/make-folder.ts';
import { requirePage } from '../../report/write-page.ts';
import { requireOutputFolder } from '../../run/output.ts';
import { type PieceState, type Remainder, remainder } from '../../study/estimate.ts';
import { fitStudy } from '../../study/fit.ts';
import { keptPlan, openPlan } from '../../study/images.ts';
import type { Places } from '../../study/places.ts';
import type { StudyEvent } from '../../study/runner.ts';
import { readStudy, readStudyFile, type Study } from '../../study/schema.ts';
import { runStudy, tabulateStudy, writeStudyPage } from '../../study/study.ts';
import { plural } from '../../text/plural.ts';
import { roughTime } from '../../text/rough-time.ts';
import { shellLine } from '../../text/shell.ts';
import { parseDuration, timeBudget } from '../options/time-budget.ts';
import { fetching } from '../show/fetching.ts';
import { interruptible } from '../show/interrupt.ts';
import { ProgressBar } from '../show/progress-bar.ts';
import { count, duration, table } from '../show/table.ts';
import { whileFetching } from '../show/with-progress.ts';

interface Options {
  output?: string;
  keep?: string;
  budget?: string;
  fit?: string;
  plan?: boolean;
  list?: boolean;
  tabulate?: boolean;
  page?: string;
}

export function studyCommand(): Command {
  return new Command('study')
    .description('compare tasks: pre-train, judge and tabulate arms over seeds, as a file says')
    .argument(
      '<file>',
      'JSON: arms, seeds, pretrain, knn, linear, finetune, segment, detect; or groups of them',
    )
    .option('--output <folder>', 'folder of the study (default: runs/<name of the file>)')
    .option(
      '--keep <folder>',
      'keep settings, scores and losses of finished pieces here: they count as finished on any machine',
    )
    .option('--budget <time>', 'stop cleanly after this time, such as 20m, 1h30m or 90s; what runs is saved')
    .option(
      '--fit <time>',
      'choose the epochs of pre-training so that the study takes about this time on this machine; a minute is measured',
    )
    .option(
      '--plan',
      'only list the pieces in order: what each costs, what is finished, how long the rest takes',
    )
    .addOption(new Option('--list', 'the same').hideHelp())
    .option('--tabulate', 'only tabulate what is finished')
    .option(
      '--page <file>',
      'only write a page (.md with pictures, or .html) from the kept files: no images are needed',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ npx beyond-masking study studies/cifar10-smoke.json --plan
  $ npx beyond-masking study studies/cifar10-smoke.json
  $ npx beyond-masking study studies/cifar10-protocol.json --keep studies/kept/cifar10-protocol --budget 20m
  $ npx beyond-masking study studies/cifar10-protocol.json --keep studies/kept/cifar10-protocol --page docs/study.md
  $ npx beyond-masking study studies/cifar10-gpu.json --fit 8h --keep kept
  $ npx beyond-masking report runs/cifar10-smoke/runs/* --output runs/cifar10-smoke/report.html

Ctrl-C saves the current run; the same command resumes the study. Finished pieces are not run again.
The tables are written to results.md and results.json in its folder.`,
    )
    .action(async (file: string, options: Options) => {
      const { keep } = options;
      const places = { output: options.output ?? `runs/${basename(file, '.json')}`, keep };
      const study =
        options.fit === undefined ? await readStudy(file) : await fitted(file, places, options.fit);
      if (!study) return;
      if (options.plan || options.list) await showPlan(study, places);
      else if (options.page !== undefined) await showPage(study, places, options.page);
      else if (options.tabulate) await tabulate(study, places);
      else await run(study, places, options.budget, options.fit === undefined ? file : fittedFile(places));
    });
}

const fittedFile = ({ output }: Places) => join(output, 'study.json');

/** The study with epochs for a time, chosen once: its file lies in the study's folder. Undefined where it was interrupted. */
async function fitted(file: string, places: Places, time: string): Promise<Study | undefined> {
  const chosen = fittedFile(places);
  const seconds = parseDuration('--fit', time);
  if (!existsSync(chosen)) {
    await requireOutputFolder(places.output);
    const input = await readStudyFile(file);
    const progress = new Progress();
    const interrupt = interruptible(() => progress.stopping());
    try {
      const onEvent = (event: StudyEvent) => progress.show(event);
      const fit = await fitStudy(input as object, seconds, { ...places, signal: interrupt.signal, onEvent });
      await makeFolder(places.output);
      await writeFileAtomic(chosen, `${JSON.stringify(fit, undefined, 2)}\n`);
    } catch (error) {
      if (error !== interrupt.signal.reason) throw error;
      console.error('Stopped.');
      process.exitCode = 130;
      return undefined;
    } finally {
      interrupt.done();
      progress.close();
    }
  }
  console.log(`epochs for ${time}: ${chosen} (delete it to choose them again)`);
  return readStudy(chosen);
}

async function showPlan(study: Study, places: Places): Promise<void> {
  const plan = await whileFetching((options) => openPlan(study, options));
  if (!plan) return;
  const left = await remainder(plan, places);
  const rate = assumedRate();
  const rows = left.pieces.map((state) => planRow(state, rate));
  console.log(table([['piece', 'kind', 'updates', 'operations', 'time', ''], ...rows]));
  if (left.pieces.some(isAssumed)) console.log(`\ntimes of kinds without a finished piece: ${rate.how}`);
  console.log(`\n${whatIsLeft(left)}`);
}

/** True if no finished piece of its kind gives the time of a piece. */
const isAssumed = ({ piece, seconds }: PieceState) => seconds === undefined && piece.flops > 0;

function planRow(state: PieceState, rate: TrainingRate): string[] {
  const { piece, finished, seconds } = state;
  const { id, kind, updates, flops } = piece;
  const known = seconds === undefined ? '' : `${finished ? '' : 'about '}${duration(seconds)}`;
  const time = isAssumed(state) ? roughTime(flops / rate.flops) : known;
  return [id, kind, count(updates), `${short(flops)}FLOP`, time, finished ? 'finished' : ''];
}

function whatIsLeft({ pieces, finished, flops, seconds }: Remainder): string {
  const done = `finished: ${finished} of ${plural(pieces.length, 'piece')}`;
  if (finished === pieces.length) return done;
  const time =
    seconds === undefined
      ? `${roughTime(flops / assumedRate().flops)} of training${judgesLeft(pieces)}`
      : `about ${duration(seconds)} at the rate of the finished ones`;
  return `${done}, left: ${short(flops)}FLOP, ${time}`;
}

/** Names the pieces whose time is unknown until one of their kind has finished. */
function judgesLeft(pieces: readonly PieceState[]): string {
  const left = pieces.filter(
    ({ finished, piece: { kind } }) => !finished && (kind === 'knn' || kind === 'linear'),
  );
  return left.length === 0 ? '' : `, then ${plural(left.length, 'judge')} (kNN, linear)`;
}

async function tabulate(study: Study, places: Places): Promise<void> {
  const plan = await whileFetching((options) => openPlan(study, options));
  if (plan) console.log((await tabulateStudy(plan, places)).tables);
}

async function showPage(study: Study, places: Places, page: string): Promise<void> {
  await requirePage(page);
  const { keep } = places;
  const plan =
    keep === undefined
      ? await whileFetching((options) => openPlan(study, options))
      : await keptPlan(study, keep);
  if (plan) console.log((await writeStudyPage(study, plan, places, page)).join('\n'));
}

async function run(study: Study, places: Places, budget: string | undefined, file: string): Promise<void> {
  await requireOutputFolder(places.output);
  const progress = new Progress();
  const time = timeBudget(budget);
  const interrupt = interruptible(() => progress.stopping());
  const signal = AbortSignal.any([interrupt.signal, time.signal]);
  const stopped = (left: string) => {
    const inTime = signal.reason === time.signal.reason;
    const options = Object.entries({ ...places, ...(inTime && { budget }) });
    const given = options.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
    const command = shellLine('study', file, ...given);
    const why = inTime ? `Stopped after ${budget}` : 'Stopped';
    console.error(`${why}${left}. Resume with:\n  npx beyond-masking ${command}`);
    if (!inTime) process.exitCode = 130; // as the shell says of Ctrl-C
  };
  try {
    const onEvent = (event: StudyEvent) => progress.show(event);
    const { outcome, tables, left } = await runStudy(study, { ...places, signal, onEvent });
    progress.close();
    console.log(tables);
    if (outcome === 'interrupted') stopped(`: ${whatIsLeft(left)}`);
  } catch (error) {
    if (error !== signal.reason) throw error;
    progress.close();
    stopped(''); // while images were fetched
  } finally {
    interrupt.done();
    time.done();
    progress.close();
  }
}

/** One bar for all pieces. */
class Progress {
  readonly #bar = new ProgressBar();
  readonly #notes = new Set<string>();
  #piece = '';
  #started = 0;
  /** How far the piece was when this sitting began with it. */
  #first: number | undefined;

  show(event: StudyEvent): void {
    if (event.type === 'fetch') this.#bar.update(...fetching(event.progress));
    else if (event.type === 'note') this.#note(event.message);
    else if (event.type === 'finished')
      this.#bar.line(`${this.#piece}: finished in ${duration(event.seconds)}`);
    else if (event.type === 'piece') {
      this.#piece = `${event.number}/${event.total} ${event.piece.id}`;
      [this.#started, this.#first] = [performance.now(), undefined];
      this.#bar.update(0, this.#piece, true);
    } else {
      this.#first ??= event.done;
      const gained = event.done - this.#first;
      const seconds = (performance.now() - this.#started) / 1000;
      const left = gained > 0 ? `  ${duration(((1 - event.done) * seconds) / gained)} left` : '';
      this.#bar.update(event.done, `${this.#piece}  ${event.text}${left}`);
    }
  }

  /** Pieces have much to say in common. */
  #note(message: string): void {
    if (!this.#notes.has(message)) this.#bar.line(message);
    this.#notes.add(message);
  }

  stopping(): void {
    this.#bar.line('stopping and saving; press Ctrl-C again to stop at once', process.stderr);
  }

  close(): void {
    this.#bar.clear();
  }
}
