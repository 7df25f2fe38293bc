import type { DetectEvent, StepRow } from '../../run/events.ts';
import { plural } from '../../text/plural.ts';
import { shellLine } from '../../text/shell.ts';
import { classTable, encoderText, judgedSource, originRows } from './head-report.ts';
import { type ReportOptions, RunReport } from './run-report.ts';
import { count, epochText, percent, table } from './table.ts';

type Start = Extract<DetectEvent, { type: 'start' }>;

const share = (value: unknown) => (typeof value === 'number' ? percent(value) : '–');

/** Shows the events of detection. */
export class DetectReport extends RunReport<Start, DetectEvent> {
  #rows: StepRow[] = [];

  constructor(output: string, options: ReportOptions) {
    super('detect', output, options);
  }

  protected override print(event: DetectEvent): void {
    this.printUsual(event);
  }

  protected override beginning({ config, weights, images, testImages, classes }: Start) {
    const { model, data } = config;
    return [
      ...originRows(config),
      [
        'images',
        `${data.source}: ${count(images)} with objects of ${plural(classes.length, 'class', 'classes')}, and ${count(testImages)} to evaluate on`,
      ],
      [
        'model',
        `${encoderText(model, weights.encoder)}; pyramid, proposals and heads ${count(weights.head)}`,
      ],
    ] as const;
  }

  protected override judged(row: StepRow): string | undefined {
    const { step, epoch, loss, boxAP, boxAP50, maskAP, emaBoxAP, proposalRecall } = row;
    if (proposalRecall === undefined) return undefined;
    const recall = `${epochText(epoch)}, step ${step}: loss ${loss?.toFixed(4)}, recall of proposals ${share(proposalRecall)}`;
    if (boxAP === undefined) return recall;
    this.#rows.push(row);
    const masks = maskAP === undefined ? '' : `, mask AP ${share(maskAP)}`;
    const average = emaBoxAP === undefined ? '' : `, of averaged weights ${share(emaBoxAP)}`;
    return `${recall}, box AP ${share(boxAP)} (AP50 ${share(boxAP50)})${masks}${average}`;
  }

  /** The last and the best scores, and the classes of the last one, the worst first. */
  protected override summary(): string {
    const last = this.#rows.at(-1);
    if (!last) return '';
    const score = (row: StepRow) => Math.max(Number(row.boxAP), Number(row.emaBoxAP ?? 0));
    const best = this.#rows.reduce((a, b) => (score(b) > score(a) ? b : a));
    const columns = last.maskAP === undefined ? BOXES : [...BOXES, ...MASKS];
    const line = (what: string, row: StepRow) => [
      what,
      String(Number(row.epoch.toFixed(2))),
      ...columns.map(([name]) => share(row[name])),
    ];
    const scores = table([
      ['', 'epoch', ...columns.map(([, title]) => title)],
      line('last', last),
      line('best', best),
    ]);
    const classes = (last.classAP ?? {}) as Record<string, number>;
    return `${scores}\n\n${classTable(classes, 'box AP')}`;
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

const BOXES = [
  ['boxAP', 'box AP'],
  ['boxAP50', 'AP50'],
  ['boxAP75', 'AP75'],
] as const;
const MASKS = [
  ['maskAP', 'mask AP'],
  ['maskAP50', 'AP50'],
  ['maskAP75', 'AP75'],
] as const;
