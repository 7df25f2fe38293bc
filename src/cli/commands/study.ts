import { basename } from 'node:path';
import { Command } from 'commander';
import { assumedRate } from '../../bench/rate.ts';
import { isFinished, type StudyEvent } from '../../study/runner.ts';
import { readStudy, type Study } from '../../study/schema.ts';
import { openPlan, runStudy, tabulateStudy } from '../../study/study.ts';
import { roughTime } from '../../text/rough-time.ts';
import { fetching } from '../show/fetching.ts';
import { interruptible } from '../show/interrupt.ts';
import { ProgressBar } from '../show/progress-bar.ts';
import { duration, table } from '../show/table.ts';
import { whileFetching } from '../show/with-progress.ts';

interface Options {
  output?: string;
  list?: boolean;
  tabulate?: boolean;
}

export function studyCommand(): Command {
  return new Command('study')
    .description('compare tasks: pre-train, judge and tabulate arms over seeds, as a file says')
    .argument('<file>', 'JSON: arms, seeds, pretrain, knn, linear, finetune')
    .option('--output <folder>', 'folder of the study (default: runs/<name of the file>)')
    .option('--list', 'only list the pieces, what they cost and whether they are finished')
    .option('--tabulate', 'only tabulate what is finished')
    .addHelpText(
      'after',
      `
Examples:
  $ beyond-masking study studies/cifar10-smoke.json --list
  $ beyond-masking study studies/cifar10-smoke.json
  $ beyond-masking report runs/cifar10-smoke/runs/* --output runs/cifar10-smoke/report.html

Ctrl-C saves the run that goes on; the same command goes on with the study, and finished pieces are not run again.
The tables are written to results.md and results.json in its folder.`,
    )
    .action(async (file: string, options: Options) => {
      const study = await readStudy(file);
      const output = options.output ?? `runs/${basename(file, '.json')}`;
      if (options.list) await list(study, output);
      else if (options.tabulate) await tabulate(study, output);
      else await run(study, output, `beyond-masking study ${file}`);
    });
}

async function list(study: Study, output: string): Promise<void> {
  const plan = await whileFetching((options) => openPlan(study, options));
  if (!plan) return;
  const { pieces } = plan;
  const rate = assumedRate();
  const rows = await Promise.all(
    pieces.map(async (piece) => [
      piece.id,
      piece.kind,
      piece.flops > 0 ? roughTime(piece.flops / rate.flops) : '',
      (await isFinished(piece, output)) ? 'finished' : '',
    ]),
  );
  console.log(table([['piece', 'kind', 'about', ''], ...rows]));
  console.log(`\ntimes ${rate.how}`);
}

async function tabulate(study: Study, output: string): Promise<void> {
  const plan = await whileFetching((options) => openPlan(study, options));
  if (plan) console.log((await tabulateStudy(plan, output)).tables);
}

async function run(study: Study, output: string, command: string): Promise<void> {
  const progress = new Progress();
  const { signal, done } = interruptible(() => progress.stopping());
  const stopped = () => {
    console.error(`stopped; go on with:\n  npx ${command} --output ${output}`);
    process.exitCode = 130; // as the shell says of Ctrl-C
  };
  try {
    const { outcome, tables } = await runStudy(study, {
      output,
      signal,
      onEvent: (event) => progress.show(event),
    });
    progress.close();
    console.log(tables);
    if (outcome === 'interrupted') stopped();
  } catch (error) {
    if (error !== signal.reason) throw error;
    progress.close();
    stopped(); // while images were fetched
  } finally {
    done();
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
