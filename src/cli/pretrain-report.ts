import type { KnnScores, PretrainEvent, StepRow } from '../train/events.ts';
import { fetching } from './fetching.ts';
import { ProgressBar } from './progress-bar.ts';
import { count, duration, percent } from './table.ts';

type EventOf<T extends PretrainEvent['type']> = Extract<PretrainEvent, { type: T }>;

/** Shows the events of a run: a progress bar or plain lines, or with `json` one object a line. */
export class PretrainReport {
  readonly #output: string;
  readonly #json: boolean;
  readonly #bar = new ProgressBar();
  #start: EventOf<'start'> | undefined;
  #firstKnn: KnnScores | undefined;
  #lastKnn: KnnScores | undefined;
  /** Newest file of each kind. */
  readonly #files = new Map<string, string>();
  /** Images per second, smoothed. */
  #speed = 0;

  constructor(output: string, json: boolean) {
    this.#output = output;
    this.#json = json;
  }

  show(event: PretrainEvent): void {
    if (this.#json) {
      console.log(JSON.stringify(event));
      return;
    }
    if (event.type === 'note') this.#bar.line(event.message);
    else if (event.type === 'fetch') this.#bar.update(...fetching(event.progress));
    else if (event.type === 'start') this.#begin(event);
    else if (event.type === 'step') this.#step(event);
    else if (event.type === 'knn') this.#knn(event);
    else if (event.type === 'file') this.#files.set(event.kind, event.path);
    else this.#end(event);
  }

  /** Ctrl-C was pressed. */
  stopping(): void {
    this.#bar.line('stopping after this step and saving; press Ctrl-C again to stop at once', process.stderr);
  }

  close(): void {
    this.#bar.clear();
  }

  #begin(event: EventOf<'start'>): void {
    this.#start = event;
    this.#firstKnn = event.knn;
    this.#bar.clear();
    const { config, weights } = event;
    const { model, training } = config;
    const line = (label: string, text: string) => console.log(`${label.padEnd(8)}${text}`);
    line(
      'recipe',
      `${config.recipe}: ${config.task.name}, ${training.epochs} epochs, batch ${training.batchSize}`,
    );
    line(
      'images',
      `${config.data.source}: ${count(event.images)}, and ${count(event.heldOutImages)} held out`,
    );
    line(
      'model',
      `${model.width} wide, ${model.depth} deep, ${model.image.join('×')} pixels in patches of ${model.patch}: ` +
        `${count(weights.encoder)} weights, decoder ${count(weights.decoder)}`,
    );
    line('engine', event.engine);
    const from = event.step > 0 ? `, going on after step ${event.step}` : '';
    line(
      'run',
      `${event.folder}: ${count(event.lastStep)} steps, ${count(event.stepsPerEpoch)} an epoch${from}`,
    );
  }

  #step({ row, lastStep }: EventOf<'step'>): void {
    const speed = row.imagesPerSecond ?? 0;
    this.#speed = this.#speed === 0 ? speed : 0.9 * this.#speed + 0.1 * speed;
    const { training } = this.#start!.config;
    const left = ((lastStep - row.step) * training.batchSize) / this.#speed;
    const text = [
      `epoch ${row.epoch.toFixed(2)}/${training.epochs}`,
      `step ${row.step}/${lastStep}`,
      row.skipped ? `skipped: ${row.skipped}` : `loss ${row.loss?.toFixed(4)}`,
      `${this.#speed.toFixed(this.#speed < 10 ? 1 : 0)} img/s`,
      `${duration(left)} left`,
    ].join('  ');
    this.#bar.update(row.step / lastStep, text);
    if (row.heldOutLoss !== undefined) this.#bar.line(epochLine(row));
  }

  #knn({ step, scores }: EventOf<'knn'>): void {
    if (step === 0) this.#firstKnn = scores;
    else this.#lastKnn = scores;
    const when = step === 0 ? 'before training' : `after step ${step}`;
    this.#bar.line(`kNN top-1 ${when}: ${knnText(scores)}`);
  }

  #end({ outcome, step, lastStep }: EventOf<'end'>): void {
    this.#bar.clear();
    const start = this.#start!;
    const { output, again } = {
      output: this.#output,
      again: `beyond-masking pretrain --resume ${this.#output}`,
    };
    if (outcome === 'interrupted') {
      console.log(`\nstopped after step ${step} of ${lastStep}; go on with:\n  npx ${again}`);
      return;
    }
    const already = start.step >= lastStep;
    console.log(`\n${already ? 'this run was finished already' : 'finished'}, at step ${step}: ${output}`);
    for (const [kind, path] of this.#files) console.log(`  ${kind.padEnd(16)}${path}`);
    if (this.#lastKnn) console.log(`\n${knnTable(this.#lastKnn, this.#firstKnn)}`);
    console.log(`\ntry next:\n${suggestions(start, output).join('\n')}`);
  }
}

function epochLine({ step, epoch, loss, heldOutLoss }: StepRow): string {
  return `epoch ${Math.round(epoch)} done, step ${step}: loss ${loss?.toFixed(4)}, held-out loss ${heldOutLoss?.toFixed(4)}`;
}

function knnText({ features, random, pixels }: KnnScores): string {
  const measured = [
    features !== random && `features ${percent(features)}`,
    random !== undefined && `random weights ${percent(random)}`,
    pixels !== undefined && `raw pixels ${percent(pixels)}`,
  ];
  return measured.filter(Boolean).join(', ');
}

function knnTable({ features, train, test }: KnnScores, before: KnnScores | undefined): string {
  const rows = [
    ['raw pixels', before?.pixels],
    ['features of random weights', before?.random],
    ['features after pre-training', features],
  ] as const;
  const measured = rows.filter(([, score]) => score !== undefined);
  return [
    `kNN top-1 (k 20, cosine, temperature 0.07; ${count(train)} images vote on ${count(test)})`,
    ...measured.map(([name, score]) => `  ${name.padEnd(30)}${percent(score!)}`),
  ].join('\n');
}

function suggestions({ config }: EventOf<'start'>, output: string): string[] {
  const { data, training } = config;
  const labelled = data.source.startsWith('cifar10') || data.source.startsWith('classes:');
  return [
    `  npx beyond-masking reconstruct ${output}`,
    ...(labelled ? [`  npx beyond-masking knn ${output}`] : []),
    `  npx beyond-masking pretrain --resume ${output} --epochs ${training.epochs * 5}`,
    '  npx beyond-masking list recipes',
  ];
}
