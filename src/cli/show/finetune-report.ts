import { fewImages, scoreText } from '../../evaluate/interval.ts';
import type { FinetuneEvent, StepRow } from '../../run/events.ts';
import { plural } from '../../text/plural.ts';
import { shellLine } from '../../text/shell.ts';
import { exportFormatsOf } from '../../weights/out/transformers-misfit.ts';
import { fromScratch } from '../options/finetune-command.ts';
import { encoderText, judgedSource, originRows } from './head-report.ts';
import { type ReportOptions, RunReport } from './run-report.ts';
import { count, epochText, table } from './table.ts';

type Start = Extract<FinetuneEvent, { type: 'start' }>;

/** Shows the events of fine-tuning. */
export class FinetuneReport extends RunReport<Start, FinetuneEvent> {
  #rows: StepRow[] = [];

  constructor(output: string, options: ReportOptions) {
    super('finetune', output, options);
  }

  protected override print(event: FinetuneEvent): void {
    this.printUsual(event);
  }

  protected override beginning({ config, weights, images, testImages, classes }: Start) {
    const { model, data } = config;
    const share = data.labels < 1 ? ` (${Number((100 * data.labels).toFixed(4))} % of the labels)` : '';
    return [
      ...originRows(config),
      [
        'images',
        `${data.source}: ${count(images)}${share} of ${plural(classes.length, 'class', 'classes')}, and ${count(testImages)} to evaluate on`,
      ],
      ['model', `${encoderText(model, weights.encoder)}, head ${count(weights.head)}`],
      ['exports', exportFormatsOf(model, model)],
    ] as const;
  }

  protected override judged(row: StepRow): string | undefined {
    if (row.top1 === undefined) return undefined;
    this.#rows.push(row);
    const { step, epoch, loss, top1, top5, evaluationLoss, emaTop1 } = row;
    const share = (value: unknown) => scoreText(Number(value), this.start?.testImages);
    const fifth = top5 === undefined ? '' : `, top-5 ${share(top5)}`;
    const average = emaTop1 === undefined ? '' : `, of averaged weights ${share(emaTop1)}`;
    return (
      `${epochText(epoch)}, step ${step}: loss ${loss?.toFixed(4)}, evaluation loss ${Number(evaluationLoss).toFixed(4)}, ` +
      `top-1 ${share(top1)}${fifth}${average}`
    );
  }

  protected override summary(): string {
    const rows = this.#rows.flatMap(({ epoch, top1, top5, emaTop1, emaTop5 }) => [
      { epoch, weights: 'trained', top1: Number(top1), top5 },
      ...(emaTop1 === undefined
        ? []
        : [{ epoch, weights: 'averaged', top1: Number(emaTop1), top5: emaTop5 }]),
    ]);
    if (rows.length === 0) return '';
    const best = rows.reduce((a, b) => (b.top1 > a.top1 ? b : a));
    const last = rows.filter(({ epoch }) => epoch === rows.at(-1)!.epoch);
    const images = this.start?.testImages;
    const hasFifth = rows.some(({ top5 }) => top5 !== undefined);
    const line = (what: string, row: (typeof rows)[number]) => [
      what,
      String(Number(row.epoch.toFixed(2))),
      row.weights,
      scoreText(row.top1, images),
      ...(hasFifth ? [scoreText(Number(row.top5), images)] : []),
    ];
    const scores = table([
      ['', 'epoch', 'weights', 'top-1', ...(hasFifth ? ['top-5'] : [])],
      ...last.map((row) => line('last', row)),
      line('best', best),
    ]);
    const warning = images === undefined ? undefined : fewImages(images);
    return warning === undefined ? scores : `${scores}\n${warning}`;
  }

  protected override suggestions(start: Start, output: string): string[] {
    const { config } = start;
    const { from, data, recipe } = config;
    const judged = judgedSource(data);
    const images = judged.replace(/^classes:/, '');
    const scratch = shellLine(...fromScratch(config), '--output', `${output}-scratch`);
    return [
      shellLine('predict', '--from', output, images),
      ...(from !== '' && recipe !== 'custom' ? [`${scratch}   (the same from random weights)`] : []),
      this.further(start, 2),
      shellLine('report', output),
    ];
  }
}
