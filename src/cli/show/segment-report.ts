import type { SegmentEvent, StepRow } from '../../run/events.ts';
import { plural } from '../../text/plural.ts';
import { shellLine } from '../../text/shell.ts';
import { classTable, encoderText, judgedSource, originRows } from './head-report.ts';
import { type ReportOptions, RunReport } from './run-report.ts';
import { count, epochText, percent, table } from './table.ts';

type Start = Extract<SegmentEvent, { type: 'start' }>;

/** Shows the events of segmentation. */
export class SegmentReport extends RunReport<Start, SegmentEvent> {
  #rows: StepRow[] = [];

  constructor(output: string, options: ReportOptions) {
    super('segment', output, options);
  }

  protected override print(event: SegmentEvent): void {
    this.printUsual(event);
  }

  protected override beginning({ config, weights, images, testImages, classes }: Start) {
    const { model, data } = config;
    return [
      ...originRows(config),
      [
        'images',
        `${data.source}: ${count(images)} with masks of ${plural(classes.length, 'class', 'classes')}, and ${count(testImages)} to evaluate on`,
      ],
      ['model', `${encoderText(model, weights.encoder)}, ${model.head.kind} head ${count(weights.head)}`],
    ] as const;
  }

  protected override judged(row: StepRow): string | undefined {
    if (row.mIoU === undefined) return undefined;
    this.#rows.push(row);
    const { step, epoch, loss, mIoU, mAcc, aAcc, emaMIoU } = row;
    const share = (value: unknown) => percent(Number(value));
    const average = emaMIoU === undefined ? '' : `, of averaged weights ${share(emaMIoU)}`;
    return (
      `${epochText(epoch)}, step ${step}: loss ${loss?.toFixed(4)}, mIoU ${share(mIoU)}, ` +
      `mean accuracy ${share(mAcc)}, pixel accuracy ${share(aAcc)}${average}`
    );
  }

  /** The last and the best scores, and the classes of the last one, the worst first. */
  protected override summary(): string {
    const last = this.#rows.at(-1);
    if (!last) return '';
    const score = (row: StepRow) => Math.max(Number(row.mIoU), Number(row.emaMIoU ?? 0));
    const best = this.#rows.reduce((a, b) => (score(b) > score(a) ? b : a));
    const line = (what: string, { epoch, mIoU, mAcc, aAcc }: StepRow) => [
      what,
      String(Number(epoch.toFixed(2))),
      ...[mIoU, mAcc, aAcc].map((value) => percent(Number(value))),
    ];
    const scores = table([
      ['', 'epoch', 'mIoU', 'mean accuracy', 'pixel accuracy'],
      line('last', last),
      line('best', best),
    ]);
    const classes = (last.iou ?? {}) as Record<string, number>;
    return `${scores}\n\n${classTable(classes, 'IoU')}`;
  }

  protected override suggestions(start: Start, output: string): string[] {
    const { data } = start.config;
    const judged = judgedSource(data);
    return [
      shellLine('predict', '--from', output, judged, '--output', `${output}-predicted`),
      this.further(start, 2),
      shellLine('report', output),
    ];
  }
}
