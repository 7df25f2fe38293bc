import { sizeOf } from '../../graph/tensor.ts';
import { gradientName, slotName, type TrainingPlan } from '../backend.ts';
import { updateProgram } from '../update-program.ts';
import { type LoweredFunction, type LowerOptions, lower } from './stablehlo/lower.ts';
import { list, typeText, type Value, type ValueType } from './stablehlo/values.ts';
import { type Argument, FunctionWriter, moduleText, names } from './stablehlo/writer.ts';

/** What a step is compiled for. */
export interface StepForm extends LowerOptions {
  /** Micro-batches that each device computes one after the other. */
  readonly count: number;
  readonly replicas: number;
}

/**
 * A whole training step as one module. Arguments of its main function, all state as flat arrays: `updated`, which the
 * results replace in place; `read`; `batch`, each [count, ...] where there are several micro-batches; the rule's numbers
 * as one array. Results: `updated`, and an array of the metrics, then of each gradient's sum of squares.
 */
export interface StepModule {
  readonly text: string;
  readonly updated: readonly string[];
  readonly read: readonly string[];
  readonly batch: readonly string[];
  readonly metrics: readonly string[];
  /** Length of the array of numbers among the results. */
  readonly summary: number;
}

export function stepModule(
  plan: TrainingPlan,
  inState: (name: string) => boolean,
  form: StepForm,
): StepModule {
  const gradients = lower(plan.gradients, 'gradients', form);
  const types = new Map(gradients.inputs);
  const updated = plan.parameters.flatMap(({ name }) => [
    name,
    ...plan.rule.slots.map((slot) => slotName(slot, name)),
  ]);
  const weights = new Map(
    plan.parameters.flatMap(({ name }) => plan.rule.slots.map((slot) => [slotName(slot, name), name])),
  );
  const trained = new Set(updated);
  const isBatch = ([name]: readonly [string, ValueType]) => !inState(name);
  const batch = gradients.inputs.filter(isBatch).map(([name]) => name);
  const read = gradients.inputs
    .filter((each) => !isBatch(each) && !trained.has(each[0]))
    .map(([name]) => name);
  const gradientNames = new Set(plan.parameters.map(({ name }) => gradientName(name)));
  const metrics = gradients.outputs.filter(([name]) => !gradientNames.has(name)).map(([name]) => name);
  const flat = (type: ValueType): ValueType => ({ shape: [sizeOf(type.shape)], type: type.type });
  const weightOf = (name: string) => types.get(weights.get(name) ?? name)!;
  const stacked = ({ shape, type }: ValueType) => ({
    shape: form.count > 1 ? [form.count, ...shape] : shape,
    type,
  });
  const scalarNames = Object.keys(plan.rule.scalars(0, 0));
  const writer = new FunctionWriter([
    ...updated.map((name, i): Argument => ({ ...flat(weightOf(name)), becomes: i })),
    ...read.map((name) => flat(types.get(name)!)),
    ...batch.map((name) => stacked(types.get(name)!)),
    { shape: [scalarNames.length], type: 'f32' },
  ]);
  const named = new Map([...updated, ...read, ...batch].map((name, i) => [name, writer.arguments[i]!]));
  for (const name of [...updated, ...read])
    named.set(name, writer.reshape(named.get(name)!, weightOf(name).shape));
  const functions = [gradients.text];
  const operands = gradients.inputs.map(([name]) => named.get(name)!);
  const outputs =
    form.count === 1
      ? writer.call(
          gradients.name,
          operands,
          gradients.outputs.map(([, type]) => type),
        )
      : accumulate(writer, gradients, operands, new Set(batch), form.count, functions);
  const averaged = outputs.map((sum) => average(writer, sum, form));
  const results = new Map(gradients.outputs.map(([name], i) => [name, averaged[i]!]));
  const squares = plan.parameters.map(({ name }) => sumOfSquares(writer, results.get(gradientName(name))!));
  const summary = concatenate(writer, [...metrics.map((name) => results.get(name)!), ...squares]);
  const fine = allFinite(writer, summary);
  const numbers = writer.arguments.at(-1)!;
  const scalars = new Map(scalarNames.map((name, i) => [name, scalarAt(writer, numbers, i)]));
  scalars.set('scale', clipScale(writer, squares, plan.clip));
  const next = update(plan, writer, named, results, scalars, functions).map((value, i) => {
    const before = writer.arguments[i]!;
    const after = writer.reshape(value, before.shape);
    return writer.apply('stablehlo.select', [fine, after, before], before);
  });
  functions.push(writer.finish('main', [...next, summary]));
  return {
    text: moduleText(functions, form.replicas),
    updated,
    read,
    batch,
    metrics,
    summary: summary.shape[0]!,
  };
}

/** Next weights and slots in the order of the arguments; weights of one shape and group share a function. */
function update(
  plan: TrainingPlan,
  writer: FunctionWriter,
  state: ReadonlyMap<string, Value>,
  gradients: ReadonlyMap<string, Value>,
  scalars: ReadonlyMap<string, Value>,
  functions: string[],
): Value[] {
  const known = new Map<string, LoweredFunction>();
  return plan.parameters.flatMap(({ name, ...group }) => {
    const weight = state.get(name)!;
    const key = JSON.stringify([weight.shape, group]);
    let made = known.get(key);
    if (!made) {
      made = lower(updateProgram(plan.rule, weight.shape, group), `update${known.size}`);
      known.set(key, made);
      functions.push(made.text);
    }
    const given = new Map([...scalars, ['weight', weight], ['gradient', gradients.get(gradientName(name))!]]);
    for (const slot of plan.rule.slots) given.set(slot, state.get(slotName(slot, name))!);
    const results = writer.call(
      made.name,
      made.inputs.map(([input]) => given.get(input)!),
      made.outputs.map(([, type]) => type),
    );
    const order = made.outputs.map(([output]) => output);
    return ['weight', ...plan.rule.slots].map((output) => results[order.indexOf(output)]!);
  });
}

/** Sums of a function's outputs over micro-batches, computed one after the other. */
function accumulate(
  writer: FunctionWriter,
  { name, inputs, outputs }: LoweredFunction,
  operands: readonly Value[],
  stacked: ReadonlySet<string>,
  count: number,
  functions: string[],
): Value[] {
  const types = outputs.map(([, type]) => type);
  const body = new FunctionWriter([{ shape: [], type: 'i32' }, ...types, ...operands]);
  const [turn, ...rest] = body.arguments as [Value, ...Value[]];
  const one = inputs.map(([input, type], i) => {
    const operand = rest[types.length + i]!;
    return stacked.has(input) ? part(body, operand, turn, type) : operand;
  });
  const made = body.call(name, one, types);
  functions.push(
    body.finish(
      'accumulate',
      made.map((value, i) => body.apply('stablehlo.add', [value, rest[i]!])),
    ),
  );
  const first = writer.constant(new Int32Array(1), [], 'i32');
  const zeros = types.map(({ shape, type }) => writer.number(0, shape, type));
  return writer.repeat('accumulate', count, first, zeros, operands);
}

/** Element `turn` of the first axis. */
function part(writer: FunctionWriter, x: Value, turn: Value, made: ValueType): Value {
  const zero = writer.constant(new Int32Array(1), [], 'i32');
  const at = [turn, ...made.shape.map(() => zero)];
  const sliced = writer.write(
    `stablehlo.dynamic_slice ${names([x, ...at])}, sizes = ${list([1, ...made.shape])}`,
    [x, ...at],
    { shape: [1, ...made.shape], type: made.type },
  );
  return writer.reshape(sliced, made.shape);
}

/** A sum over micro-batches as the mean over those of all devices. */
function average(writer: FunctionWriter, sum: Value, { count, replicas }: StepForm): Value {
  let total = sum;
  if (replicas > 1) {
    const scalar = typeText({ shape: [], type: sum.type });
    const group = list(Array.from({ length: replicas }, (_, replica) => replica));
    total = writer.write(
      `"stablehlo.all_reduce"(${sum.name}) <{replica_groups = dense<[${group}]> : tensor<1x${replicas}xi64>}> ` +
        `({ ^bb0(%a: ${scalar}, %b: ${scalar}): %c = stablehlo.add %a, %b : ${scalar} stablehlo.return %c : ${scalar} })`,
      [sum],
      sum,
    );
  }
  if (count * replicas === 1) return total;
  return writer.apply('stablehlo.divide', [total, writer.number(count * replicas, total.shape)]);
}

/** In float32: a gradient whose squares overflow counts as not finite. */
function sumOfSquares(writer: FunctionWriter, x: Value): Value {
  const axes = x.shape.map((_, axis) => axis);
  return writer.reduce(writer.apply('stablehlo.multiply', [x, x]), 'add', axes, writer.number(0));
}

/** Scalars as one array. */
function concatenate(writer: FunctionWriter, scalars: readonly Value[]): Value {
  const parts = scalars.map((scalar) => writer.reshape(scalar, [1]));
  return writer.write(`stablehlo.concatenate ${names(parts)}, dim = 0`, parts, {
    shape: [parts.length],
    type: 'f32',
  });
}

function allFinite(writer: FunctionWriter, x: Value): Value {
  const finite = writer.apply('stablehlo.is_finite', [x], { shape: x.shape, type: 'i1' });
  return writer.reduce(finite, 'and', [0], writer.truth());
}

function scalarAt(writer: FunctionWriter, numbers: Value, index: number): Value {
  const one = writer.write(`stablehlo.slice ${numbers.name} [${index}:${index + 1}]`, [numbers], {
    shape: [1],
    type: 'f32',
  });
  return writer.reshape(one, []);
}

/** min(1, clip / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_ has it; 1 where nothing is clipped. */
function clipScale(writer: FunctionWriter, squares: readonly Value[], clip: number | undefined): Value {
  if (clip === undefined) return writer.number(1);
  const total = writer.reduce(concatenate(writer, squares), 'add', [0], writer.number(0));
  const norm = writer.apply('stablehlo.add', [writer.apply('stablehlo.sqrt', [total]), writer.number(1e-6)]);
  const ratio = writer.apply('stablehlo.divide', [writer.number(clip), norm]);
  return writer.apply('stablehlo.minimum', [writer.number(1), ratio]);
}
