import { describeView } from '../../image/view.ts';
import type { StackSize } from '../../models/config.ts';
import { targetOf } from '../../nn/targets/table.ts';
import { plural } from '../../text/plural.ts';
import type { ModelDescription } from '../../weights/model.ts';

/** Most names of classes, or tensors, that a line lists. */
const LISTED = 5;

const projects: Readonly<Record<string, string>> = {
  huggingface: 'Hugging Face',
  mae: 'MAE',
  paper: "the paper's code",
  timm: 'timm, or an encoder of MAE',
};

/** A model in a few lines: where it is from, its sizes, and the account of its tensors. */
export function describeModel(model: ModelDescription, format: string): string {
  const {
    source,
    run,
    encoder,
    decoder,
    classifier,
    classes,
    normalisation,
    evaluationCrop,
    evaluationView,
    problem,
    report,
  } = model;
  const lines = run
    ? [
        `step ${run.progress.step}, ${plural(run.progress.epoch, 'complete epoch')} of ${run.config.training.epochs}`,
        `trained by ${run.progress.engine} on data ${run.progress.data}`,
      ]
    : [`weights of ${projects[source] ?? source}, ${format} format`];
  const [height, width] = encoder.image;
  const token = encoder.classToken ? 'class token' : 'no class token';
  lines.push(
    '',
    `encoder  ${stack(encoder)}, MLPs ×${encoder.mlpRatio}, norms' epsilon ${(encoder.epsilon ?? 1e-6).toExponential()}`,
    `         ${encoder.channels}×${height}×${width} pixels in patches of ${encoder.patch}; ${token}; positions ${encoder.positions}`,
  );
  if (decoder)
    lines.push(
      `decoder  ${decoder.decoder.kind ?? 'transformer'}, ${stack(decoder.decoder)}; target: ${targetOf(decoder.target).summary}`,
    );
  if (classifier) {
    const named = classes ? ` (${list(classes)})` : '';
    const kind = problem === undefined ? '' : `; ${problem}`;
    const sees = classifier.pooling === 'token' ? 'the class token' : "the mean of the patches' tokens";
    lines.push(`head     ${plural(classifier.classes, 'class', 'classes')}${named} from ${sees}${kind}`);
  }
  const { range } = normalisation;
  const samples = range ? `; samples from ${range.join(' to ')}` : '';
  lines.push(
    `pixels   normalised with mean [${normalisation.mean}] and deviation [${normalisation.std}]${samples}; ${evaluationView ? describeView(evaluationView) : `evaluation crop ${round(evaluationCrop)}`}`,
  );
  if (run) return lines.join('\n');
  const fates = (wanted: string) => report.tensors.filter(({ fate }) => fate === wanted);
  lines.push(
    '',
    `${plural(report.tensors.length, 'tensor')}: ${fates('loaded').length} taken as they are named, ${fates('renamed').length} under another name, ${fates('ignored').length} not used`,
  );
  const grouped = (items: readonly { name: string; why: string }[]) =>
    [...new Set(items.map(({ why }) => why))].map((why) => {
      const names = items.filter((item) => item.why === why).map(({ name }) => name);
      return `  ${list(names)}${names.length > LISTED ? ` (${names.length})` : ''}: ${why}`;
    });
  lines.push(...grouped(fates('ignored').map(({ tensor, reason }) => ({ name: tensor, why: reason! }))));
  if (report.missing.length > 0) lines.push(`${plural(report.missing.length, 'weight')} missing`);
  lines.push(...grouped(report.missing.map(({ name, instead }) => ({ name, why: instead }))));
  return [...lines, ...report.notes].join('\n');
}

function stack({ width, depth, heads }: StackSize): string {
  return `${width} wide, ${plural(depth, 'block')}, ${plural(heads, 'head')}`;
}

function list(names: readonly string[]): string {
  return `${names.slice(0, LISTED).join(', ')}${names.length > LISTED ? ', …' : ''}`;
}

const round = (value: number) => Number(value.toFixed(4));
