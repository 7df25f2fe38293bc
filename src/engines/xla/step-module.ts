import { sizeOf } from '../../graph/tensor.ts';
import { gradientName, slotName, type TrainingPlan } from '../engine.ts';
import { updateProgram } from '../update-program.ts';
import { accumulate, meanOverDevices } from './micro-batches.ts';
import { type LoweredFunction, type LowerOptions, lower } from './stablehlo/lower.ts';
import type { Value, ValueType } from './stablehlo/values.ts';
import { type Argument, FunctionWriter, moduleText } from './stablehlo/writer.ts';
import { allFinite, clipScale, concatenate, finiteAsNumber, scalarAt, sumsOfSquares } from './step-sums.ts';

/** Options for compiling a step. */
export interface StepForm extends LowerOptions {
  /** Number of micro-batches that each device computes in sequence. */
  readonly count: number;
  readonly replicas: number;
}

/**
 * A training step as one module. Arguments of its main function, all state as flat arrays: `updated`, which the
 * results replace in place; `read`; `batch`, each [count, ...] for several micro-batches; the rule's numbers as one
 * array. Results: `updated`, and an array of the metrics, then each gradient's sum of squares, then 0 for each finite
 * state output and NaN for others.
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
  const stateOutputs = new Map(Object.entries(plan.state ?? {}).map(([output, name]) => [name, output]));
  const outputTypes = new Map(gradients.outputs);
  const updated = [
    ...plan.parameters.flatMap(({ name }) => [name, ...plan.rule.slots.map((slot) => slotName(slot, name))]),
    ...stateOutputs.keys(),
  ];
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
  const metrics = gradients.outputs
    .filter(([name]) => !gradientNames.has(name) && !plan.state?.[name])
    .map(([name]) => name);
  const flat = (type: ValueType): ValueType => ({ shape: [sizeOf(type.shape)], type: type.type });
  const typeOf = (name: string) => {
    const output = stateOutputs.get(name);
    return types.get(weights.get(name) ?? name) ?? outputTypes.get(output ?? '')!;
  };
  const stacked = ({ shape, type }: ValueType) => ({
    shape: form.count > 1 ? [form.count, ...shape] : shape,
    type,
  });
  const scalarNames = Object.keys(plan.rule.scalars(0, 0));
  const writer = new FunctionWriter([
    ...updated.map((name, i): Argument => ({ ...flat(typeOf(name)), becomes: i })),
    ...read.map((name) => flat(types.get(name)!)),
    ...batch.map((name) => stacked(types.get(name)!)),
    { shape: [scalarNames.length], type: 'f32' },
  ]);
  const named = new Map([...updated, ...read, ...batch].map((name, i) => [name, writer.arguments[i]!]));
  for (const name of [...updated, ...read])
    named.set(name, writer.reshape(named.get(name)!, typeOf(name).shape));
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
  const averaged = outputs.map((sum) => meanOverDevices(writer, sum, form));
  const results = new Map(gradients.outputs.map(([name], i) => [name, averaged[i]!]));
  const squares = sumsOfSquares(
    writer,
    plan.parameters.map(({ name }) => results.get(gradientName(name))!),
  );
  const stateResults = [...stateOutputs.values()].map((output) => results.get(output)!);
  const summary = concatenate(writer, [
    ...metrics.map((name) => results.get(name)!),
    ...squares,
    ...stateResults.map((value) => finiteAsNumber(writer, value)),
  ]);
  const fine = allFinite(writer, summary);
  const numbers = writer.arguments.at(-1)!;
  const scalars = new Map(scalarNames.map((name, i) => [name, scalarAt(writer, numbers, i)]));
  scalars.set('scale', clipScale(writer, squares, plan.clip));
  const replaced = [...update(plan, writer, named, results, scalars, functions), ...stateResults];
  const next = replaced.map((value, i) => {
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

/** Next weights and slots, in the order of the arguments. Weights of equal shape and group share a function. */
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
    let rule = known.get(key);
    if (!rule) {
      rule = lower(updateProgram(plan.rule, weight.shape, group), `update${known.size}`);
      known.set(key, rule);
      functions.push(rule.text);
    }
    const operands = new Map([
      ...scalars,
      ['weight', weight],
      ['gradient', gradients.get(gradientName(name))!],
    ]);
    for (const slot of plan.rule.slots) operands.set(slot, state.get(slotName(slot, name))!);
    const results = writer.call(
      rule.name,
      rule.inputs.map(([input]) => operands.get(input)!),
      rule.outputs.map(([, type]) => type),
    );
    const order = rule.outputs.map(([output]) => output);
    return ['weight', ...plan.rule.slots].map((output) => results[order.indexOf(output)]!);
  });
}
