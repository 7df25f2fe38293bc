import { sizeOf } from '../../graph/index.ts';
import { FileFormatError } from '../../io/file-format-error.ts';
import type { ParameterSpec } from '../../nn/parameters.ts';
import { type ModelParts, modelParameters, requireShape } from '../parameters.ts';
import type { MissingWeight } from '../report.ts';
import type { Shapes } from './sizes.ts';

/** The weights of a file that make a model, and substitutes for missing ones. */
export interface WeightPlan {
  readonly specs: readonly ParameterSpec[];
  /** Weights to read, by this project's names. */
  readonly names: readonly string[];
  readonly missing: readonly MissingWeight[];
}

/**
 * Compares a file's weights with those of its model. Throws FileFormatError if a weight is missing and has no
 * substitute, or has the wrong shape.
 */
export function planWeights(path: string, parts: ModelParts, shapes: Shapes): WeightPlan {
  const specs = parametersOf(path, parts);
  const missing: MissingWeight[] = [];
  for (const spec of specs) {
    const shape = shapes.get(spec.name);
    if (shape) requireShape(path, spec.name, shape, expectedShape(spec, shape));
    else missing.push({ name: spec.name, instead: substitute(path, spec, shapes) });
  }
  const extra = ['norm.weight', 'norm.bias', ...(parts.decoder ? ['decoder_embed.bias'] : [])];
  const wanted = new Set([...specs.map(({ name }) => name), ...extra]);
  return { specs, names: [...wanted].filter((name) => shapes.has(name)), missing };
}

/**
 * Converts weights to this project's form, which computes the same:
 * - Biases of keys become 0: they add the same number to all scores of a query, which softmax cancels.
 * - A bias of the layer from encoder to decoder is added to the decoder's position table, as every visible token gets
 *   it, and subtracted from the mask token, which does not get it.
 * - A class token without a position gets a position of zeros.
 */
export function adaptWeights(
  { specs }: WeightPlan,
  weights: Readonly<Record<string, Float32Array>>,
): Record<string, Float32Array> {
  const { 'decoder_embed.bias': bias, ...rest } = weights;
  const adapted: Record<string, Float32Array> = rest;
  for (const { name, shape, init } of specs) {
    const size = sizeOf(shape);
    const read = adapted[name] ?? (init.kind === 'table' ? init.values() : new Float32Array());
    const values = read.length === size ? read : new Float32Array(size);
    if (values !== read) values.set(read, size - read.length);
    if (isJointBias(name)) values.fill(0, size / 3, (2 * size) / 3);
    adapted[name] = values;
  }
  if (bias) {
    const [positions, token] = [adapted.decoder_pos_embed!, adapted.mask_token!];
    for (let i = 0; i < positions.length; i++) positions[i]! += bias[i % bias.length]!;
    for (let i = 0; i < token.length; i++) token[i]! -= bias[i]!;
  }
  return adapted;
}

export function isJointBias(name: string): boolean {
  return name.endsWith('.attn.qkv.bias');
}

/** The model's shape of a weight. A position table may have no row for the class token. */
function expectedShape({ name, shape }: ParameterSpec, got: readonly number[]): readonly number[] {
  const [one, rows, width] = shape as [number, number, number];
  return name === 'pos_embed' && got[1] === rows - 1 ? [one, rows - 1, width] : shape;
}

/** Substitute for a weight that is missing in the file. */
function substitute(path: string, { name, init }: ParameterSpec, shapes: Shapes): string {
  if (init.kind === 'table') return 'computed: the table is fixed';
  if (isJointBias(name)) return 'zeros: trained without';
  if (name === 'pos_embed') return 'zeros: the model has relative positions alone';
  if (name === 'norm.weight' && shapes.has('fc_norm.weight'))
    throw new FileFormatError(path, 'a norm after the pooling (fc_norm) must come with a head', 'none');
  throw new FileFormatError(path, `a model of these sizes has a tensor ${name}`, 'none');
}

function parametersOf(path: string, parts: ModelParts): ParameterSpec[] {
  try {
    return modelParameters(parts);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new FileFormatError(path, 'sizes must fit each other', error.message);
  }
}
