import type { Program } from '../../graph/program.ts';
import type { TensorData, Values } from '../../graph/tensor.ts';
import { slotName, type TrainingPlan } from '../engine.ts';
import { updateProgram } from '../update-program.ts';
import { kernels } from './kernels.ts';

/** One weight's update: by the operation's kernel if there is one, else by a program. */
export interface Update {
  readonly weight: string;
  /** State tensors of this weight's slots, by the rule's slot names. */
  readonly slots: Readonly<Record<string, string>>;
  readonly by:
    | { readonly kernel: string; readonly attributes: Readonly<Record<string, number>> }
    | { readonly program: number };
}

/** How an engine applies the gradients of a plan. */
export interface Updates {
  readonly weights: readonly Update[];
  /** See `TrainingPlan.state`. */
  readonly state: Readonly<Record<string, string>>;
  readonly clip: number | undefined;
}

/** @param compile compiles a program on the engine and returns its number there */
export async function updatesOf(
  { rule, gradients, parameters, state = {}, clip }: TrainingPlan,
  compile: (program: Program) => Promise<number>,
): Promise<Updates> {
  const programs = new Map<string, Program>();
  const weights = parameters.map(async ({ name, ...group }): Promise<Update> => {
    const { shape } = gradients.inputs[name]!;
    // Weights of equal shape and group share a program.
    const key = JSON.stringify([shape, group]);
    const program = programs.get(key) ?? updateProgram(rule, shape, group);
    programs.set(key, program);
    const { operation, attributes } = program.outputs.weight!.node;
    const slots = Object.fromEntries(rule.slots.map((slot) => [slot, slotName(slot, name)]));
    const by = kernels[operation.name]
      ? { kernel: operation.name, attributes }
      : { program: await compile(program) };
    return { weight: name, slots, by };
  });
  return { weights: await Promise.all(weights), state, clip };
}

/**
 * Updates a weight and its slots by a program.
 * @param state returns the state tensor of a name, which is overwritten
 */
export async function updateByProgram(
  { weight, slots }: Update,
  gradient: TensorData,
  scalars: Readonly<Record<string, number>>,
  state: (name: string) => TensorData,
  run: (inputs: Values) => Values | Promise<Values>,
): Promise<void> {
  const places = Object.entries({ ...slots, weight });
  const numbers = Object.entries(scalars).map(([name, x]) => [name, Float32Array.of(x)] as const);
  const now = places.map(([name, at]) => [name, state(at)] as const);
  const results = await run({ ...Object.fromEntries([...now, ...numbers]), gradient });
  for (const [name, at] of places) state(at).set(results[name]!);
}
