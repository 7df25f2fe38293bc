import { basename, dirname, sep } from 'node:path';
import { describeView } from '../../image/view.ts';
import { targetOf } from '../../nn/targets/table.ts';
import { plural } from '../../text/plural.ts';
import { type Model, modelParameters } from '../model.ts';
import { block, type Written } from './format.ts';
import { featuresOf, type Part } from './part.ts';
import { isProbe, type Measure, type TrainingRecord } from './training-record.ts';

/** Content of a model card beyond the model itself. */
export interface CardOptions {
  readonly format: string;
  readonly part: Part;
  readonly written: Written;
  readonly record: TrainingRecord;
  /** Checks of the files, one sentence each. */
  readonly checks: readonly string[];
}

const tasks: Readonly<Record<Part, string>> = {
  features: 'image-feature-extraction',
  classifier: 'image-classification',
  segmenter: 'image-segmentation',
  detector: 'object-detection',
  autoencoder: 'image-feature-extraction',
};

const citation = block('bibtex', [
  '@article{tian2022beyond,',
  '  title   = {Beyond Masking: Demystifying Token-Based Pre-Training for Vision Transformers},',
  '  author  = {Tian, Yunjie and Xie, Lingxi and Fang, Jiemin and Shi, Mengnan and Peng, Junran and Zhang, Xiaopeng and Jiao, Jianbin and Tian, Qi and Ye, Qixiang},',
  '  journal = {arXiv preprint arXiv:2203.14313},',
  '  year    = {2022}',
  '}',
]);

/** The model card of an export (README.md), with the metadata block of the Hugging Face Hub. */
export function modelCard(model: Model, { format, part, written, record, checks }: CardOptions): string {
  // Keeps names of files, but not of the folders that lead to them.
  const assumptions = model.report.notes.map((note) => note.replaceAll(`${dirname(model.path)}${sep}`, ''));
  const notes = [...written.notes, ...assumptions];
  const sections: [title: string, text: string][] = [
    ['What it is', description(model, part)],
    ['How to load it', `${written.usage}\n\n\`PATH\` is this folder.${list(notes)}`],
    ['How it was trained', training(model, record)],
    ['Evaluation', evaluation(record.measures)],
    ['Checked', checks.join('\n')],
    [
      'Licence',
      'Not stated yet: write here, and in the head of this file, under which licence you hand these weights on.',
    ],
    ['Citation', model.run ? `The method:\n\n${citation}` : ''],
  ];
  return [
    [
      '---',
      '# license: the one under which you hand these weights on',
      `library_name: ${written.library}`,
      `pipeline_tag: ${tasks[part]}`,
      `tags: [vision-transformer, self-supervised, beyond-masking${format === 'onnx' ? ', onnx' : ''}]`,
      '---',
      '',
      `# ${title(model, part)}`,
    ].join('\n'),
    ...sections.filter(([, text]) => text).map(([name, text]) => `## ${name}\n\n${text}`),
    'Written by beyond-masking.\n',
  ].join('\n\n');
}

function title({ encoder: { image, patch, width, depth } }: Model, part: Part): string {
  const what = {
    features: 'encoder',
    classifier: 'classifier',
    segmenter: 'segmenter',
    detector: 'detector',
    autoencoder: 'autoencoder',
  }[part];
  return `Vision Transformer, ${what}: width ${width}, ${plural(depth, 'block')}, patch ${patch}, ${image.join(' × ')}`;
}

const positionNames = {
  sincos1d: 'fixed, 1-D sines and cosines',
  sincos2d: 'fixed, 2-D sines and cosines',
  learned: 'learned',
};

function describePositions(model: Model): string {
  const name = positionNames[model.encoder.positions];
  const spec = modelParameters(model).find((each) => each.name === 'pos_embed');
  const table = model.weights.pos_embed;
  if (!table || spec?.init.kind !== 'table') return name;
  const computed = spec.init.values();
  const same = table.every((value, i) => Math.abs(value - computed[i]!) < 1e-5);
  return same ? name : `${name}, interpolated from those of another grid of patches`;
}

function description(model: Model, part: Part): string {
  const { encoder, decoder, classifier, normalisation, evaluationCrop, evaluationView } = model;
  const { pooling, fcNorm } = featuresOf(model);
  const pooled = pooling === 'token' ? 'the class token' : "the mean of the patches' tokens";
  const rows: [string, unknown][] = [
    [
      'images',
      `${encoder.channels} × ${encoder.image.join(' × ')}, patches of ${encoder.patch} × ${encoder.patch}`,
    ],
    ['width, blocks, heads', `${encoder.width}, ${encoder.depth}, ${encoder.heads}`],
    ['class token', encoder.classToken ? 'yes' : 'no'],
    ['positions', describePositions(model)],
  ];
  if (part === 'segmenter') rows.push(...segmenterRows(model));
  else if (part === 'detector') rows.push(...detectorRows(model));
  else rows.push(['features', `${pooled}, ${fcNorm ? 'then a norm' : 'after the final norm'}`]);
  if (part === 'classifier') {
    rows.push(['classes', classifier!.classes]);
    if (model.problem) rows.push(['outputs', `logits of a ${model.problem} head`]);
  }
  if (part === 'autoencoder') {
    const { width, depth, heads } = decoder!.decoder;
    rows.push(['decoder: width, blocks, heads', `${width}, ${depth}, ${heads}`]);
    rows.push(['target', targetOf(decoder!.target).summary]);
  }
  rows.push([
    'pixels in [0, 1] are normalised by',
    `mean ${normalisation.mean.join(', ')}; deviation ${normalisation.std.join(', ')}`,
  ]);
  const { range } = normalisation;
  if (range) rows.push(['sample values of 0 and 1', range.join(', ')]);
  if (part === 'segmenter' || part === 'detector') return table(['', ''], rows);
  rows.push([
    'evaluation',
    evaluationView
      ? describeView(evaluationView)
      : `resized (bicubic) so that the view is ${evaluationCrop} of the shorter side, centre cut out`,
  ]);
  return table(['', ''], rows);
}

function segmenterRows({
  segmenter,
  encoder: { relativePositions, layerScale },
}: Model): [string, unknown][] {
  const { head, classes } = segmenter!;
  const blocks =
    head.kind === 'linear' ? '' : ` on blocks ${head.taps.join(', ')}, ${head.channels} channels`;
  return [
    [
      'relative positions, layer scale',
      `${relativePositions ? 'yes' : 'no'}, ${layerScale === undefined ? 'no' : 'yes'}`,
    ],
    ['head', `${head.kind}${blocks}`],
    ['classes of pixels', classes],
  ];
}

function detectorRows({ detector }: Model): [string, unknown][] {
  const { head, classes, windows, decomposedPositions } = detector!;
  return [
    [
      'attention in windows',
      windows ? `${windows.side} patches, but in blocks ${windows.global.join(', ')}` : 'no',
    ],
    ['relative positions', decomposedPositions ? 'decomposed' : 'no'],
    [
      'head',
      `Mask R-CNN${head.masks ? '' : ' without masks'} on maps of the scales ${head.scales.join(', ')}, ${head.channels} channels`,
    ],
    ['classes of objects', classes],
  ];
}

function training({ run, source, path }: Model, { settings }: TrainingRecord): string {
  if (!run)
    return `The weights come from \`${basename(path)}\` (${source}); how they were trained is not known here.`;
  const { config, progress } = run;
  const { task, from } = config;
  const probe = isProbe(run);
  const rows = [
    task && ['pretext task', `${task.name}, mask ratio ${task.maskRatio}`],
    probe && ['trained', 'a linear head; the encoder stayed as it was'],
    ['started from', from ? basename(from) : 'random weights'],
    ['recipe', config.recipe],
    ['images', `${publicSource(config.data.source)}, content \`${progress.data}\``],
    ['updates made', progress.step],
    ['complete epochs', `${progress.epoch} of ${config.training.epochs}`],
    !probe && ['images of an update', config.training.batchSize],
    ['engine', progress.engine],
    ['seed', config.seed],
  ].filter((row) => row !== undefined && row !== false);
  const text = JSON.stringify(settings, withoutFolders, 2);
  const details = `<details><summary>All settings</summary>\n\n${block('json', [text])}\n\n</details>`;
  return settings ? `${table(['', ''], rows)}\n\n${details}` : table(['', ''], rows);
}

/** Settings that may hold paths of the machine that trained. */
const paths = new Set(['source', 'data', 'test', 'from']);

function withoutFolders(key: string, value: unknown): unknown {
  return paths.has(key) && typeof value === 'string' ? publicSource(value) : value;
}

/** A source of images without the folders of its path: `classes:flowers` for `classes:/data/flowers`. */
function publicSource(source: string): string {
  const [, kind = '', path = ''] = /^([a-z]+:)?(.*)$/s.exec(source)!;
  return kind + basename(path);
}

function evaluation(measures: readonly Measure[]): string {
  if (measures.length === 0) return 'No measurements come with these weights.';
  const rows = measures.map(({ name, value, step }) => [`\`${name}\``, Number(value.toPrecision(6)), step]);
  const averaged = measures.some(({ name }) => name.startsWith('ema'))
    ? ' Scores of averaged weights begin with `ema`; the best checkpoint holds what scored higher.'
    : '';
  return `${table(['measured', 'value', 'after updates'], rows)}\n\nFrom the run's own \`metrics.jsonl\`; accuracies are fractions in [0, 1].${averaged}`;
}

function table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const line = (cells: readonly unknown[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const list = (items: readonly string[]) =>
  items.length === 0 ? '' : `\n\n${items.map((item) => `- ${item}`).join('\n')}`;
