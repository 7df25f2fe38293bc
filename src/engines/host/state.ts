import { type ArrayInfo, checkInputs, type Program } from '../../graph/program.ts';
import {
  describe,
  dtypeOf,
  GraphError,
  sameShape,
  sizeOf,
  type TensorData,
  type Values,
} from '../../graph/tensor.ts';
import { plural } from '../../text/plural.ts';
import { gradientName, slotName, type TrainingPlan } from '../engine.ts';

/** Type and length of a state tensor by name; undefined if the state has no such tensor. */
export type StateInfo = (name: string) => ArrayInfo | undefined;

export const infoOf = (data: TensorData): ArrayInfo => ({ dtype: dtypeOf(data), length: data.length });

/** Throws GraphError unless the state has a tensor of this name. */
export function requireKnown(name: string, state: StateInfo): ArrayInfo {
  const info = state(name);
  if (!info) throw new GraphError(`names must exist in the state, got "${name}"`);
  return info;
}

/** Throws GraphError unless `inputs` or the state holds each input of the program, with the right type and length. */
export function checkRun(program: Program, inputs: Values, state: StateInfo): void {
  checkInputs(program, (name) => (inputs[name] ? infoOf(inputs[name]) : state(name)));
}

/** Throws GraphError unless `values` match state tensors in name, type and length. */
export function checkWrite(values: Values, state: StateInfo): void {
  for (const [name, data] of Object.entries(values)) {
    const { dtype, length } = requireKnown(name, state);
    if (length !== data.length || dtype !== dtypeOf(data))
      throw new GraphError(
        `state "${name}" holds ${plural(length, 'value')} of ${dtype}, got ${data.length} of ${dtypeOf(data)}`,
      );
  }
}

/**
 * Throws GraphError unless there is a batch and the plan's program takes every parameter and outputs its gradient,
 * the state outputs and otherwise scalars only.
 */
export function checkStep(plan: TrainingPlan, batches: readonly Values[], info: StateInfo): void {
  const { gradients, parameters } = plan;
  const { name, inputs, outputs } = gradients;
  if (batches.length === 0) throw new GraphError('a step takes one batch or more, got none');
  const rest = new Set(Object.keys(outputs));
  for (const parameter of parameters) {
    const key = gradientName(parameter.name);
    const weight = inputs[parameter.name];
    const gradient = outputs[key];
    if (!weight)
      throw new GraphError(`program "${name}" must take every parameter, got no "${parameter.name}"`);
    if (!gradient || !sameShape(gradient.shape, weight.shape))
      throw new GraphError(
        `program "${name}" must yield ${describe(weight)} as "${key}", got ${gradient ? describe(gradient) : 'nothing'}`,
      );
    rest.delete(key);
  }
  for (const key of checkStateOutputs(plan, info)) rest.delete(key);
  for (const key of rest)
    if (outputs[key]!.shape.length > 0)
      throw new GraphError(`metrics must be scalars, got ${describe(outputs[key]!)} as "${key}"`);
}

/**
 * Throws GraphError unless each state output fits a state tensor that nothing else overwrites. Returns the outputs'
 * names.
 */
function checkStateOutputs(
  { gradients, parameters, rule, state = {} }: TrainingPlan,
  info: StateInfo,
): string[] {
  const slots = (name: string) => rule.slots.map((slot) => slotName(slot, name));
  const taken = new Set(parameters.flatMap(({ name }) => [name, ...slots(name), gradientName(name)]));
  for (const [key, name] of Object.entries(state)) {
    if (taken.has(name) || taken.has(key))
      throw new GraphError(
        `state outputs overwrite tensors that nothing else does, got "${key}" for "${name}"`,
      );
    taken.add(name);
    const output = gradients.outputs[key];
    const { dtype, length } = requireKnown(name, info);
    if (output?.dtype !== 'f32' || dtype !== 'f32' || length !== sizeOf(output.shape))
      throw new GraphError(
        `state "${name}" holds ${plural(length, 'value')} of ${dtype} and takes as many of f32 as "${key}", got ${output ? describe(output) : 'nothing'}`,
      );
  }
  return Object.keys(state);
}

/** Zeros for a plan's optimizer slots that are missing from the state. */
export function missingSlots(
  { parameters, rule }: TrainingPlan,
  state: StateInfo,
): Record<string, Float32Array> {
  const missing: Record<string, Float32Array> = {};
  for (const { name } of parameters)
    for (const slot of rule.slots.map((slot) => slotName(slot, name)))
      if (!state(slot)) missing[slot] = new Float32Array(requireKnown(name, state).length);
  return missing;
}
