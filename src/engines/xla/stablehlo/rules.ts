import type { PrimitiveName } from '../../../graph/signatures.ts';
import type { Shape } from '../../../graph/tensor.ts';
import { attentionKernelRules } from '../triton/attention.ts';
import { filterBanksRules } from '../triton/filter-banks.ts';
import { geluRules } from '../triton/gelu.ts';
import { layerNormRules } from '../triton/layer-norm.ts';
import { fusedRules } from './fused-attention.ts';
import { gather, invertPermutation, scatterAdd } from './indexing.ts';
import { conv, linear, matmul } from './products.ts';
import type { Rule, RuleOf } from './rule.ts';
import { elementType, list, typeText, type Value } from './values.ts';
import { type FunctionWriter, names } from './writer.ts';

const unary =
  (operation: string): RuleOf<PrimitiveName> =>
  (writer, _, inputs) =>
    writer.apply(operation, inputs);

const binary =
  (operation: string): RuleOf<PrimitiveName> =>
  (writer, { outputs: [y] }, inputs) =>
    writer.apply(
      operation,
      inputs.map((input) => writer.broadcast(input, y.shape)),
    );

const reduction =
  (by: string, start: number): RuleOf<'sum' | 'max'> =>
  (writer, { outputs: [y], attributes: { axes } }, [x]) =>
    writer.reshape(writer.reduce(x, by, axes, writer.number(start, [], x.type)), y.shape);

/** Each primitive in StableHLO. */
export const rules: { readonly [N in PrimitiveName]: RuleOf<N> } = {
  add: binary('stablehlo.add'),
  sub: binary('stablehlo.subtract'),
  mul: binary('stablehlo.multiply'),
  div: binary('stablehlo.divide'),
  maximum: binary('stablehlo.maximum'),
  minimum: binary('stablehlo.minimum'),
  neg: unary('stablehlo.negate'),
  exp: unary('stablehlo.exponential'),
  log: unary('stablehlo.log'),
  sqrt: unary('stablehlo.sqrt'),
  abs: unary('stablehlo.abs'),
  sign: unary('stablehlo.sign'),
  floor: unary('stablehlo.floor'),
  // CHLO, a dialect that lowers to StableHLO; it writes types in another form.
  erf: (writer, _, [x]) => writer.write(`chlo.erf ${x.name}`, [x], x, typeText(x)),
  sum: reduction('add', 0),
  max: reduction('maximum', Number.NEGATIVE_INFINITY),
  cast: (writer, { attributes: { dtype } }, [x]) => writer.convert(x, elementType(dtype)),
  reshape: (writer, { attributes: { shape } }, [x]) => writer.reshape(x, shape),
  broadcast: (writer, { attributes: { shape } }, [x]) => writer.broadcast(x, shape),
  transpose: (writer, { attributes: { permutation } }, [x]) => writer.transpose(x, permutation),
  concat: (writer, { outputs: [y], attributes: { axis } }, inputs) =>
    writer.write(`stablehlo.concatenate ${names(inputs)}, dim = ${axis}`, inputs, {
      shape: y.shape,
      type: inputs[0].type,
    }),
  slice: (writer, { outputs: [y], attributes: { starts, ends } }, [x]) => {
    const ranges = starts.map((start: number, axis: number) => `${start}:${ends[axis]}`);
    return writer.write(`stablehlo.slice ${x.name} ${list(ranges)}`, [x], { ...x, shape: y.shape });
  },
  reverse: (writer, { attributes: { axes } }, [x]) =>
    writer.write(`stablehlo.reverse ${x.name}, dims = ${list(axes)}`, [x], x),
  pad: (writer, { outputs: [y], attributes: { before, after } }, [x]) =>
    pad(writer, x, before, after, y.shape),
  matmul,
  conv,
  gather,
  scatterAdd,
  invertPermutation,
};

/** Composites that StableHLO has as a whole, and operations of this engine only. */
const others: Readonly<Record<string, Rule>> = {
  linear,
  barrier: (writer, _, inputs) =>
    writer.writeAll(`"stablehlo.optimization_barrier"(${names(inputs)})`, inputs, inputs),
  ...fusedRules,
  ...attentionKernelRules,
  ...filterBanksRules,
  ...geluRules,
  ...layerNormRules,
};

/** The rule of an operation; undefined for composites that are decomposed. */
export const ruleOf = (name: string): Rule | undefined =>
  others[name] ?? (rules[name as PrimitiveName] as Rule | undefined);

function pad(
  writer: FunctionWriter,
  x: Value,
  before: readonly number[],
  after: readonly number[],
  shape: Shape,
): Value {
  const zero =
    x.type === 'i32' || x.type === 'ui8' ? integerZero(writer, x.type) : writer.number(0, [], x.type);
  const interior = list(before.map(() => 0));
  const text = `stablehlo.pad ${x.name}, ${zero.name}, low = ${list(before)}, high = ${list(after)}, interior = ${interior}`;
  return writer.write(text, [x, zero], { shape, type: x.type });
}

const integerZero = (writer: FunctionWriter, type: 'i32' | 'ui8') =>
  writer.constant(type === 'i32' ? new Int32Array(1) : new Uint8Array(1), [], type);
