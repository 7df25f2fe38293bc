import { sameShape, sizeOf, type Values } from '../graph/index.ts';
import { patchGrid } from '../image/size.ts';
import type { ClassifierConfig } from '../models/classifier.ts';
import type { EncoderConfig } from '../models/config.ts';
import type { ParameterSpec } from '../nn/parameters.ts';
import { resamplePositions } from '../nn/resample-positions.ts';
import { RunError } from '../run/error.ts';
import { plural } from '../text/plural.ts';

/** A model that a classifier starts from. */
export interface GivenModel {
  readonly path: string;
  readonly encoder: EncoderConfig;
  readonly classifier?: ClassifierConfig;
  readonly classes?: readonly string[];
  readonly weights: Readonly<Record<string, Float32Array>>;
}

/**
 * Lays the weights of a model over a classifier's first ones in `state`. Where the grid of patches differs, learned positions
 * are interpolated and fixed ones stay the classifier's own; a head for other classes is left out. Returns what a person should know, a line each. Throws RunError when no weight fits.
 */
export function adoptWeights(
  given: GivenModel,
  config: ClassifierConfig,
  classes: readonly string[],
  specs: readonly ParameterSpec[],
  state: Values,
): string[] {
  const notes: string[] = [];
  const { head, reason } = headOf(given, classes);
  const missing: string[] = [];
  let loaded = 0;
  const [was, is] = [patchGrid(given.encoder), patchGrid(config)];
  for (const { name, part, shape, trainable } of specs) {
    if (part === 'head' && !head) continue;
    if (!trainable && !sameShape(was, is)) continue;
    const values = given.weights[name];
    const placed = values && (name === 'pos_embed' ? placePositions(values, given.encoder, config) : values);
    if (placed?.length === sizeOf(shape)) {
      (state[name] as Float32Array).set(placed);
      loaded++;
    } else missing.push(name);
  }
  if (loaded === 0) throw new RunError(`${given.path} must hold weights of the model, got none that fit`);
  notes.push(`${plural(loaded, 'weight')} loaded from ${given.path}`);
  if (!sameShape(was, is)) {
    const what = config.positions === 'learned' ? 'interpolated (bicubic)' : 'computed anew';
    notes.push(`positions: ${what} for ${is.join('×')} patches, the weights are for ${was.join('×')}`);
  }
  if (missing.length > 0) notes.push(`not in the weights, new: ${brief(missing)}`);
  notes.push(`head: ${reason}`);
  const known = new Set(specs.map(({ name }) => name));
  const unused = Object.keys(given.weights).filter((name) => !known.has(name));
  if (unused.length > 0) notes.push(`in the weights, not used: ${brief(unused)}`);
  return notes;
}

/** Whether the model's own head can stay, and why. */
function headOf(given: GivenModel, classes: readonly string[]): { head: boolean; reason: string } {
  const made = `new, for ${plural(classes.length, 'class', 'classes')}`;
  if (!given.classifier) return { head: false, reason: made };
  if (given.classifier.classes !== classes.length)
    return { head: false, reason: `${made}: that of the weights is for ${given.classifier.classes}` };
  const names = given.classes;
  if (names && !names.every((name, i) => name === classes[i]))
    return { head: false, reason: `${made}: that of the weights is for others (${brief(names)})` };
  return { head: true, reason: `that of the weights, for ${plural(classes.length, 'class', 'classes')}` };
}

function placePositions(table: Float32Array, given: EncoderConfig, config: ClassifierConfig): Float32Array {
  const [from, to] = [patchGrid(given), patchGrid(config)];
  if (sameShape(from, to)) return table;
  return resamplePositions(table, { from, to, first: config.classToken ? 1 : 0, width: config.width });
}

/** A list of names, cut short. */
function brief(names: readonly string[]): string {
  return `${names.slice(0, 5).join(', ')}${names.length > 5 ? `, … (${names.length} in all)` : ''}`;
}
