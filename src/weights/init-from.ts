import { sameShape, type Values } from '../graph/index.ts';
import type { AutoencoderConfig } from '../models/config.ts';
import type { ParameterSpec } from '../nn/parameters.ts';
import { RunError } from '../run/error.ts';
import { plural } from '../text/plural.ts';
import { type Model, modelParameters } from './model.ts';

/** What became of the weights of a file. */
export interface InitReport {
  readonly loaded: readonly string[];
  /** Weights of the model that the file lacks: they keep their random start. */
  readonly missing: readonly string[];
  /** Weights whose shape differs, with both shapes. */
  readonly mismatched: readonly string[];
  /** What of the file the model has no place for; optimizer slots are not counted. */
  readonly unused: readonly string[];
  /** Settings in which the models differ though their shapes fit, with both values. */
  readonly differences: readonly string[];
}

/**
 * Copies a model's weights, and nothing else, into `state` wherever name and shape agree. Fixed position tables stay those
 * of the settings, unless the file has the same kind. Throws RunError when no weight fits.
 */
export function initFrom(
  model: Model,
  config: AutoencoderConfig,
  specs: readonly ParameterSpec[],
  state: Values,
): InitReport {
  const given = new Map(modelParameters(model).map(({ name, shape }) => [name, shape]));
  const report = { loaded: [] as string[], missing: [] as string[], mismatched: [] as string[] };
  const samePositions = model.encoder.positions === config.positions;
  for (const { name, shape, trainable } of specs) {
    const theirs = given.get(name);
    const fits = theirs !== undefined && sameShape(theirs, shape);
    if (!trainable && !(samePositions && fits)) continue;
    if (!theirs) report.missing.push(name);
    else if (!fits) report.mismatched.push(`${name} (the model's [${shape}], the file's [${theirs}])`);
    else {
      (state[name] as Float32Array).set(model.weights[name]!);
      if (trainable) report.loaded.push(name);
    }
  }
  if (report.loaded.length === 0)
    throw new RunError(`${model.path} must hold weights of the model, got none of its shapes`);
  const known = new Set(specs.map(({ name }) => name));
  const left = model.report.tensors.filter(({ fate, tensor }) => fate === 'ignored' && !tensor.includes(':'));
  const unused = [...given.keys()].filter((name) => !known.has(name));
  return {
    ...report,
    unused: [...unused, ...left.map(({ tensor }) => tensor)],
    differences: differencesOf(model, config),
  };
}

function differencesOf({ encoder, decoder }: Model, config: AutoencoderConfig): string[] {
  const settings: [name: string, theirs: unknown, ours: unknown][] = [
    ['heads', encoder.heads, config.heads],
    ['positions', encoder.positions, config.positions],
    ['epsilon', encoder.epsilon ?? 1e-6, config.epsilon ?? 1e-6],
    ['decoder.kind', decoder?.decoder.kind ?? 'transformer', config.decoder.kind ?? 'transformer'],
    ['decoder.heads', decoder?.decoder.heads ?? config.decoder.heads, config.decoder.heads],
    ['target', decoder?.target ?? config.target, config.target],
  ];
  return settings
    .filter(([, theirs, ours]) => theirs !== ours)
    .map(
      ([name, theirs, ours]) =>
        `model.${name} is ${ours}, that of the file ${theirs} (--set model.${name}=${theirs})`,
    );
}

/** The report in a few lines, long lists cut short. */
export function describeInit(
  { path, source }: Pick<Model, 'path' | 'source'>,
  { loaded, missing, mismatched, unused, differences }: InitReport,
): string {
  const list = (names: readonly string[]) =>
    `${names.slice(0, 5).join(', ')}${names.length > 5 ? `, … (${names.length} in all)` : ''}`;
  return [
    `${plural(loaded.length, 'weight')} loaded from ${path} (${source})`,
    missing.length ? `not in the file, random: ${list(missing)}` : '',
    mismatched.length ? `other shape, random: ${list(mismatched)}` : '',
    unused.length ? `in the file, not used: ${list(unused)}` : '',
    ...differences.map((difference) => `other setting: ${difference}`),
  ]
    .filter(Boolean)
    .join('\n');
}
