import { type Shape, sameShape, type Values } from '../graph/index.ts';
import { patchGrid, type Size } from '../image/size.ts';
import type { ClassifierConfig } from '../models/classifier.ts';
import type { AutoencoderConfig, EncoderConfig } from '../models/config.ts';
import type { DetectorConfig } from '../models/detector.ts';
import type { SegmenterConfig } from '../models/segmenter.ts';
import type { ParameterSpec } from '../nn/parameters.ts';
import { resamplePositions, resampleRelative } from '../nn/resample-positions.ts';
import { RunError } from '../run/error.ts';
import { plural } from '../text/plural.ts';
import { type Model, modelParameters } from './model.ts';

interface LoadReport {
  readonly loaded: readonly string[];
  /** Trainable weights missing in the model: they keep their initial values. */
  readonly missing: readonly ParameterSpec[];
  /** Trainable weights whose shapes differ, with both shapes: they keep their initial values. */
  readonly mismatched: readonly string[];
  /** Weights of the model without a place in the state. */
  readonly unused: readonly ParameterSpec[];
}

interface LoadOptions {
  /** True for weights that keep their initial values. */
  readonly skip: (spec: ParameterSpec) => boolean;
  /** Converts the model's values to the shape of a weight. Default: none, so shapes must be equal. */
  readonly convert?: (spec: ParameterSpec, values: Float32Array, theirs: Shape) => Float32Array | undefined;
}

/** Grids of patches of a model and of a run: interpolates tables of positions from one to the other. */
class Grids {
  readonly #from: Size;
  readonly #to: Size;
  readonly same: boolean;
  #interpolated = false;

  constructor(model: EncoderConfig, config: EncoderConfig) {
    this.#from = patchGrid(model);
    this.#to = patchGrid(config);
    this.same = sameShape(this.#from, this.#to);
  }

  /** @param table [tokens, width], the class token's row first */
  positions(table: Float32Array, classToken: boolean, width: number): Float32Array {
    this.#interpolated = true;
    return resamplePositions(table, {
      ...{ from: this.#from, to: this.#to },
      ...{ first: classToken ? 1 : 0, width },
    });
  }

  /** @param table of the biases of relative positions: [distances, heads] */
  relative(table: Float32Array, classToken: boolean, heads: number): Float32Array {
    this.#interpolated = true;
    return resampleRelative(table, {
      ...{ from: this.#from, to: this.#to },
      ...{ extra: classToken ? 3 : 0, heads },
    });
  }

  /** That tables were interpolated, for the user; no line if none was. */
  get notes(): string[] {
    const [from, to] = [this.#from.join('×'), this.#to.join('×')];
    return this.#interpolated
      ? [`positions interpolated (bicubic) for ${to} patches, the file's are for ${from}`]
      : [];
  }
}

/** Copies a model's weights into `state` by name. Throws RunError if no weight fits. */
function loadInto(
  model: Model,
  specs: readonly ParameterSpec[],
  state: Values,
  { skip, convert }: LoadOptions,
): LoadReport {
  const theirs = new Map(modelParameters(model).map((spec) => [spec.name, spec]));
  const report = { loaded: [] as string[], missing: [] as ParameterSpec[], mismatched: [] as string[] };
  for (const spec of specs.filter((each) => !skip(each))) {
    const { name, shape, trainable } = spec;
    const found = theirs.get(name);
    const values = model.weights[name] ?? (found?.init.kind === 'table' ? found.init.values() : undefined);
    const fitting =
      found &&
      values &&
      (convert?.(spec, values, found.shape) ?? (sameShape(found.shape, shape) ? values : undefined));
    if (fitting) (state[name] as Float32Array).set(fitting);
    if (!trainable) continue;
    if (fitting) report.loaded.push(name);
    else if (!found) report.missing.push(spec);
    else report.mismatched.push(`${name} (the model's [${shape}], the file's [${found.shape}])`);
  }
  if (report.loaded.length === 0)
    throw new RunError(
      `${model.path} must hold weights of the model, got none of its shapes: set its sizes (model.*), which \`inspect ${model.path}\` prints, or leave it out (--init-from)`,
    );
  const known = new Set(specs.map(({ name }) => name));
  return { ...report, unused: [...theirs.values()].filter(({ name }) => !known.has(name)) };
}

/**
 * Copies a model's weights into an autoencoder's `state` where name and shape agree. Fixed position tables are copied only from
 * a model with the same kind of positions. If the grid of patches differs, tables are interpolated. Throws RunError if no weight fits.
 * @returns notes for the user: what was loaded, and what was not
 */
export function loadAutoencoder(
  model: Model,
  config: AutoencoderConfig,
  specs: readonly ParameterSpec[],
  state: Values,
): string[] {
  requireExtras(model, config);
  const samePositions = model.encoder.positions === config.positions;
  const sameToken = model.encoder.classToken === config.classToken;
  const grids = new Grids(model.encoder, config);
  const { loaded, missing, mismatched, unused } = loadInto(model, specs, state, {
    skip: ({ trainable }) => !trainable && !samePositions,
    convert: ({ name, shape }, table, theirs) =>
      samePositions &&
      sameToken &&
      !grids.same &&
      /^(decoder_)?pos_embed$/.test(name) &&
      theirs.at(-1) === shape.at(-1)
        ? grids.positions(table, config.classToken, shape.at(-1)!)
        : undefined,
  });
  const ignored = model.report.tensors.filter(
    ({ fate, tensor }) => fate === 'ignored' && !tensor.includes(':'),
  );
  return [
    `${plural(loaded.length, 'weight')} loaded from ${model.path} (${model.source})`,
    ...grids.notes,
    ...list('not in the file, random', namesOf(missing)),
    ...list('other shape, random', mismatched),
    ...list('in the file, not used', [...namesOf(unused), ...ignored.map(({ tensor }) => tensor)]),
    ...differencesOf(model, config),
  ];
}

/** Differences in settings that do not show in the shapes. */
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
        `other setting: model.${name} is ${ours}, the file's is ${theirs} (--set model.${name}=${theirs})`,
    );
}

/**
 * Copies a model's weights into a classifier's `state`. If the grid of patches differs, positions are interpolated, fixed ones too:
 * computed for the new grid, they would name places that the blocks have not learned. A head is copied only if its classes are the
 * same. Throws RunError if no weight fits.
 * @returns notes for the user: what was loaded, and what was not
 */
export function loadClassifier(
  model: Model,
  config: ClassifierConfig,
  classes: readonly string[],
  specs: readonly ParameterSpec[],
  state: Values,
): string[] {
  const head = { what: 'classifier', fault: headFault(model, classes) };
  return loadEncoder(model, config, classes, head, specs, state);
}

/** The same for a segmenter. Its head is copied only if the model has the same one. */
export function loadSegmenter(
  model: Model,
  config: SegmenterConfig,
  classes: readonly string[],
  specs: readonly ParameterSpec[],
  state: Values,
): string[] {
  const { segmenter } = model;
  const same = segmenter && JSON.stringify(segmenter.head) === JSON.stringify(config.head);
  const fault = segmenter
    ? same
      ? headFault({ ...model, classifier: segmenter }, classes)
      : " (the file's is another one)"
    : '';
  const head = { what: `${config.head.kind} head`, fault };
  return loadEncoder(model, config, classes, head, specs, state);
}

/**
 * The same for a detector. Its head is copied only if the model has the same one; its encoder has no class token. What no other encoder has
 * starts as its design says.
 */
export function loadDetector(
  model: Model,
  config: DetectorConfig,
  classes: readonly string[],
  specs: readonly ParameterSpec[],
  state: Values,
): string[] {
  const { detector } = model;
  const same = detector && JSON.stringify(detector.head) === JSON.stringify(config.head);
  const fault = detector
    ? same
      ? headFault({ ...model, classifier: detector }, classes)
      : " (the file's is another one)"
    : '';
  const head = { what: 'pyramid, proposals and heads', fault };
  const isNew = ({ name }: ParameterSpec) => /\.attn\.rel_pos_[hw]$/.test(name);
  return [
    ...loadEncoder(model, config, classes, head, specs, state, { isNew, dropsToken: true }),
    ...(fault === undefined
      ? []
      : [
          `new by design, as for every detector that starts from an encoder: ${plural(specs.filter(({ part }) => part === 'head').length, 'tensor')} named head.*`,
        ]),
  ];
}

interface EncoderLoading {
  /** True for tensors that no other encoder has: they start as they are. Default: none. */
  readonly isNew?: (spec: ParameterSpec) => boolean;
  /** True if the row of a class token that the model does without is left out of learned positions. */
  readonly dropsToken?: boolean;
}

/** @param head `fault`: why the model's cannot be used; undefined if it can */
function loadEncoder(
  model: Model,
  config: EncoderConfig,
  classes: readonly string[],
  { what, fault: otherHead }: { readonly what: string; readonly fault: string | undefined },
  specs: readonly ParameterSpec[],
  state: Values,
  { isNew = () => false, dropsToken = false }: EncoderLoading = {},
): string[] {
  requireExtras(model, config);
  const grids = new Grids(model.encoder, config);
  const { width } = config;
  const [theirs, ours] = [model.encoder.classToken, config.classToken];
  const dropped = dropsToken && theirs && !ours ? width : 0;
  const sameTable = (theirs === ours || dropped > 0) && model.encoder.width === width;
  const { loaded, missing, mismatched, unused } = loadInto(model, specs, state, {
    skip: ({ part }) => part === 'head' && otherHead !== undefined,
    convert: ({ name }, table) => {
      if (!sameTable) return undefined;
      if (name.endsWith('.relative_position_bias_table'))
        return grids.same || theirs !== ours ? undefined : grids.relative(table, ours, config.heads);
      if (name !== 'pos_embed' || (grids.same && dropped === 0)) return undefined;
      const positions = table.subarray(dropped);
      return grids.same ? positions : grids.positions(positions, ours, width);
    },
  });
  const head =
    otherHead === undefined
      ? `${what} for ${plural(classes.length, 'class', 'classes')} loaded`
      : `new ${what} for ${plural(classes.length, 'class', 'classes')}${otherHead}`;
  // A new head comes with a new last norm. A judged model has no decoder.
  const ofEncoder = ({ part, layer }: ParameterSpec) =>
    part !== 'decoder' && (otherHead === undefined || layer !== config.depth + 1);
  return [
    `encoder loaded from ${model.path} (${plural(loaded.length, 'weight')}); ${head}`,
    ...grids.notes,
    ...list('not in the file, random', namesOf(missing.filter((spec) => ofEncoder(spec) && !isNew(spec)))),
    ...list('other shape, random', mismatched),
    ...list('in the file, not used', namesOf(unused.filter(ofEncoder))),
  ];
}

/** Throws RunError for weights with relative positions or layer scale in a run without: it would be another model. */
function requireExtras({ encoder, path }: Model, config: EncoderConfig): void {
  const dropped = [
    encoder.relativePositions && !config.relativePositions && 'relative positions',
    encoder.layerScale !== undefined && config.layerScale === undefined && 'layer scale',
  ].filter((what) => typeof what === 'string');
  if (dropped.length > 0)
    throw new RunError(
      `a run must have all that its weights have, got ${path} with ${dropped.join(' and ')}, which this run has not: the command segment has both (model.relativePositions, model.layerScaleInit)`,
    );
}

/** Why a model's head cannot be used for these classes, in parentheses; empty without a head; undefined if it can be used. */
function headFault(
  {
    classifier,
    classes: theirs,
  }: { readonly classifier?: { readonly classes: number }; readonly classes?: readonly string[] },
  classes: readonly string[],
): string | undefined {
  if (!classifier) return '';
  if (classifier.classes !== classes.length) return ` (the file's is for ${classifier.classes})`;
  if (theirs && !theirs.every((name, i) => name === classes[i]))
    return ` (the file's is for others: ${shortened(theirs)})`;
  return undefined;
}

const namesOf = (specs: readonly ParameterSpec[]) => specs.map(({ name }) => name);

/** A line with a list of names, or no line for an empty list. */
const list = (title: string, names: readonly string[]): string[] =>
  names.length > 0 ? [`${title}: ${shortened(names)}`] : [];

const shortened = (names: readonly string[]): string =>
  names.length > 6 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
