import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { plainMessage } from '../io/system-error.ts';
import { EventFile, eventFiles } from '../io/tensorboard.ts';
import type { SummaryValue } from '../io/tensorboard-proto.ts';
import type { FetchEvent, PretrainEvent, RunningEvent, StartEvent, StepRow } from './events.ts';
import { runFolder } from './folder.ts';

/** Events that can be logged. */
export type TrainingEvent =
  | RunningEvent
  | FetchEvent
  | StartEvent<object>
  | Extract<PretrainEvent, { type: 'knn' }>;

/**
 * A listener for the events of a run that writes them for TensorBoard, into `tensorboard/` of its folder: every
 * number of a row at its step, the pictures of reconstructions, the settings as text. Each sitting of a run starts a
 * separate file, which replaces the rows after the checkpoint from which it resumes; rows
 * from before the first such file are written into it. What cannot be written ends no run: it is reported once.
 *
 *     await pretrain(settings, { output, onEvent: tensorboardLog() });
 *
 * @param report called with the reason when events cannot be written
 */
export function tensorboardLog(
  report: (message: string) => void = console.warn,
): (event: TrainingEvent) => void {
  let log: Log | undefined;
  let failed = false;
  return (event) => {
    if (failed) return;
    try {
      if (event.type === 'start') log = new Log(event);
      else log?.add(event);
    } catch (error) {
      failed = true;
      report(`no TensorBoard events are written any more: ${plainMessage(error)}`);
    }
  };
}

class Log {
  readonly #file: EventFile;
  #step: number;

  constructor({ folder, config, step }: Extract<TrainingEvent, { type: 'start' }>) {
    const events = join(folder, 'tensorboard');
    const rows = rowsOf(runFolder(folder).metrics);
    const isFirst = eventFiles(events).length === 0;
    this.#step = step;
    this.#file = isFirst ? new EventFile(events) : new EventFile(events, (rows.at(-1)?.step ?? -1) + 1);
    if (isFirst) {
      const end = Date.now() / 1000 - (rows.at(-1)?.seconds ?? 0);
      for (const row of rows) this.#file.write(row.step, scalars(row), end + (row.seconds ?? 0));
    }
    this.#file.write(step, [{ tag: 'settings', text: asMarkdown(config) }]);
  }

  add(event: TrainingEvent): void {
    if (event.type === 'step') {
      this.#step = event.row.step;
      this.#file.write(this.#step, scalars(event.row));
    } else if (event.type === 'knn' && event.step === 0) {
      this.#file.write(0, scalars({ step: 0, epoch: 0, knn: event.scores })); // a row without an update
    } else if (event.type === 'file' && (event.kind === 'reconstructions' || event.kind === 'predictions')) {
      this.#file.write(this.#step, [{ tag: event.kind, png: readFileSync(event.path) }]);
    }
  }
}

/** Every number of a row under its name, inner ones as `knn/features`. */
function scalars({ step: _, ...row }: Readonly<Record<string, unknown>>): SummaryValue[] {
  const inGroup = (group: string, values: object): SummaryValue[] =>
    Object.entries(values).flatMap(([name, value]) => {
      if (typeof value === 'number') return [{ tag: `${group}/${name}`, scalar: value }];
      return typeof value === 'object' && value !== null ? inGroup(name, value) : [];
    });
  return inGroup('metrics', row);
}

/** JSON as a block of code. */
function asMarkdown(settings: object): string {
  const lines = JSON.stringify(settings, null, 2).split('\n');
  return lines.map((line) => `    ${line}`).join('\n');
}

/** The rows so far: at the start of a sitting their file is whole, or there is none. */
function rowsOf(path: string): StepRow[] {
  try {
    const lines = readFileSync(path, 'utf8').split('\n');
    return lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as StepRow);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
