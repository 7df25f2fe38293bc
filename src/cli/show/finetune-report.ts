import type { FinetuneEvent, StepRow } from '../../run/events.ts';
import { shellLine } from '../../text/shell.ts';
import { fromScratch } from '../options/finetune-command.ts';
import { RunReport } from './run-report.ts';
import { count, percent, table } from './table.ts';

type Start = Extract<FinetuneEvent, { type: 'start' }>;

/** Shows the events of fine-tuning. */
export class FinetuneReport extends RunReport<Start, FinetuneEvent> {
  #rows: StepRow[] = [];

  constructor(output: string, json: boolean) {
    super('finetune', output, json);
  }

  protected tell(event: FinetuneEvent): void {
    this.tellUsual(event);
  }

  protected beginning({ config, weights, images, testImages, classes }: Start) {
    const { model, training, data, recipe, from } = config;
    const share = data.labels < 1 ? ` (${Number((100 * data.labels).toFixed(4))} % of the labels)` : '';
    return [
      ['recipe', `${recipe}: ${training.epochs} epochs, batch ${training.batchSize}`],
      ['from', from || 'scratch'],
      [
        'images',
        `${data.source}: ${count(images)}${share} of ${classes.length} classes, and ${count(testImages)} to evaluate on`,
      ],
      [
        'model',
        `${model.width} wide, ${model.depth} deep, ${model.image.join('×')} pixels in patches of ${model.patch}: ` +
          `${count(weights.encoder)} weights, head ${count(weights.head)}`,
      ],
    ] as const;
  }

  protected judged(row: StepRow): string | undefined {
    if (row.top1 === undefined) return undefined;
    this.#rows.push(row);
    const { step, epoch, loss, top1, top5, evaluationLoss, emaTop1 } = row;
    const average = emaTop1 === undefined ? '' : `, of averaged weights ${share(emaTop1)}`;
    return (
      `epoch ${Math.round(epoch)} done, step ${step}: loss ${loss?.toFixed(4)}, evaluation loss ${Number(evaluationLoss).toFixed(4)}, ` +
      `top-1 ${share(top1)}, top-5 ${share(top5)}${average}`
    );
  }

  protected summary(): string {
    const rows = this.#rows.flatMap(({ epoch, top1, top5, emaTop1, emaTop5 }) => [
      { epoch, weights: 'trained', top1: Number(top1), top5: Number(top5) },
      ...(emaTop1 === undefined
        ? []
        : [{ epoch, weights: 'averaged', top1: Number(emaTop1), top5: Number(emaTop5) }]),
    ]);
    if (rows.length === 0) return '';
    const best = rows.reduce((a, b) => (b.top1 > a.top1 ? b : a));
    const last = rows.filter(({ epoch }) => epoch === rows.at(-1)!.epoch);
    const line = (what: string, row: (typeof rows)[number]) => [
      what,
      String(Math.round(row.epoch)),
      row.weights,
      percent(row.top1),
      percent(row.top5),
    ];
    return table([
      ['', 'epoch', 'weights', 'top-1', 'top-5'],
      ...last.map((row) => line('last', row)),
      line('best', best),
    ]);
  }

  protected suggestions(start: Start, output: string): string[] {
    const { config } = start;
    const { from, data, recipe } = config;
    const judged = data.test || data.source;
    const images = judged.startsWith('cifar10') ? 'cifar10:test' : judged.replace(/^classes:/, '');
    const scratch = shellLine(...fromScratch(config), '--output', `${output}-scratch`);
    return [
      shellLine('predict', '--from', output, images),
      ...(from !== '' && recipe !== 'custom' ? [`${scratch}   (the same from random weights)`] : []),
      this.further(start, 2),
      shellLine('report', output),
    ];
  }
}

const share = (value: unknown) => percent(Number(value));
