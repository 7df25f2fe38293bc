import { finetuneRecipe, finetuneRecipeNames } from '../../config/finetune-recipes.ts';
import { testSetOf } from '../../data/sources/open.ts';
import { scoreText } from '../../evaluate/interval.ts';
import type { KnnScores, PretrainEvent, ProbeScores, StepRow } from '../../run/events.ts';
import { plural } from '../../text/plural.ts';
import { shellLine } from '../../text/shell.ts';
import { exportFormatsOf } from '../../weights/out/transformers-misfit.ts';
import { learned } from './learned.ts';
import { type ReportOptions, RunReport } from './run-report.ts';
import { count, epochText } from './table.ts';

type EventOf<T extends PretrainEvent['type']> = Extract<PretrainEvent, { type: T }>;

/** Shows the events of pre-training. */
export class PretrainReport extends RunReport<EventOf<'start'>, PretrainEvent> {
  #firstKnn: KnnScores | undefined;
  #lastKnn: KnnScores | undefined;

  constructor(output: string, options: ReportOptions) {
    super('pretrain', output, options);
  }

  protected override print(event: PretrainEvent): void {
    if (event.type === 'knn') this.#knn(event);
    else this.printUsual(event);
  }

  protected override beginning({ config, weights, images, heldOutImages, knn }: EventOf<'start'>) {
    this.#firstKnn = knn;
    const { model, training, task, data, recipe, from } = config;
    return [
      [
        'recipe',
        `${recipe === 'custom' ? 'none' : recipe}: ${task.name}, ${plural(training.epochs, 'epoch')}, batch ${training.batchSize}`,
      ],
      ['from', from || 'random weights'],
      ['images', `${data.source}: ${count(images)}, and ${count(heldOutImages)} held out`],
      [
        'model',
        `${model.width} wide, ${model.depth} deep, ${model.image.join('×')} pixels in patches of ${model.patch}: ` +
          `${plural(weights.encoder, 'weight')}, decoder ${count(weights.decoder)}`,
      ],
      ['exports', exportFormatsOf(model)],
    ] as const;
  }

  protected override judged(row: StepRow): string | undefined {
    const { step, epoch, loss, heldOutLoss, psnr, psnrOfMeans, panel } = row;
    if (heldOutLoss === undefined && !panel) return undefined;
    const parts = [
      `loss ${loss?.toFixed(4)}`,
      heldOutLoss !== undefined && `held-out loss ${heldOutLoss.toFixed(4)}`,
      psnr !== undefined && `PSNR ${psnr.toFixed(1)} dB (patch means ${psnrOfMeans?.toFixed(1)})`,
      panel && `RankMe ${panel.rankMe.toFixed(1)}`,
      panel?.linear !== undefined && `linear ${scoreText(panel.linear, panel.images)}`,
    ];
    return `${epochText(epoch)}, step ${step}: ${parts.filter(Boolean).join(', ')}`;
  }

  protected override summary(): string {
    return this.#lastKnn ? learned(this.#lastKnn, this.#firstKnn) : '';
  }

  protected override suggestions(start: EventOf<'start'>, output: string): string[] {
    const { config, labelled } = start;
    const { data } = config;
    const judges = testSetOf(data.source) !== undefined || data.heldOut > 0;
    const recipe = finetuneRecipeNames.find(
      (name) => finetuneRecipe(name).config.data.source === data.source,
    );
    const how = recipe ? ['--recipe', recipe, '--quick'] : ['--data', data.source];
    return [
      shellLine('reconstruct', output),
      ...(labelled && judges ? [shellLine('knn', output)] : []),
      ...(labelled ? [shellLine('finetune', '--from', output, ...how)] : []),
      this.further(start, 5),
      'list recipes',
    ];
  }

  #knn({ step, scores }: EventOf<'knn'>): void {
    if (step === 0) this.#firstKnn = scores;
    else this.#lastKnn = scores;
    const when = step === 0 ? 'before training' : `after step ${step}`;
    const linear = scores.linear ? `; linear: ${scoresText(scores.linear, scores.test)}` : '';
    this.bar.line(`top-1 ${when}: kNN: ${scoresText(scores, scores.test)}${linear}`);
  }
}

function scoresText({ features, random, pixels }: ProbeScores, test: number): string {
  const measured = [
    features !== random && `features ${scoreText(features, test)}`,
    random !== undefined && `random weights ${scoreText(random, test)}`,
    pixels !== undefined && `raw pixels ${scoreText(pixels, test)}`,
  ];
  return measured.filter(Boolean).join(', ');
}
