import { inputName, inputOperation } from './operations/source.ts';
import { describe, GraphError, sizeOf, type Tensor, type Values } from './tensor.ts';
import { topologicalOrder } from './topology.ts';

/** Named inputs to named outputs: what a backend compiles and runs. */
export interface Program {
  readonly name: string;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: Readonly<Record<string, Tensor>>;
}

/** Makes a program of the named outputs; its inputs are those that the outputs depend on. */
export function program(name: string, outputs: Readonly<Record<string, Tensor>>): Program {
  const inputs: Record<string, Tensor> = {};
  for (const { operation, outputs: made } of topologicalOrder(Object.values(outputs))) {
    if (operation !== inputOperation) continue;
    const tensor = made[0]!;
    const key = inputName(tensor);
    if (inputs[key]) throw new GraphError(`program "${name}": input names are unique, got "${key}" twice`);
    inputs[key] = tensor;
  }
  return { name, inputs, outputs };
}

/** Throws unless `values` holds an array of the right type and length for every input of the program. */
export function checkInputs({ name, inputs }: Program, values: Values): void {
  for (const [key, tensor] of Object.entries(inputs)) {
    const data = values[key];
    if (!data) throw new GraphError(`program "${name}" takes ${describe(tensor)} as "${key}", got nothing`);
    const got = data instanceof Float32Array ? 'f32' : data instanceof Int32Array ? 'i32' : 'u8';
    const size = sizeOf(tensor.shape);
    if (got !== tensor.dtype || data.length !== size)
      throw new GraphError(
        `program "${name}" takes ${describe(tensor)} as "${key}", got ${data.length} values of ${got}`,
      );
  }
}
