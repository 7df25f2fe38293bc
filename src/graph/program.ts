import { plural } from '../text/plural.ts';
import { inputName, inputOperation } from './operations/source.ts';
import { type DType, describe, GraphError, sizeOf, type Tensor } from './tensor.ts';
import { topologicalOrder } from './topology.ts';

/** Named inputs and outputs: the unit that an engine compiles and runs. */
export interface Program {
  readonly name: string;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: Readonly<Record<string, Tensor>>;
}

/**
 * A program of the named outputs and the inputs that they depend on. Throws GraphError if two inputs share a name.
 */
export function program(name: string, outputs: Readonly<Record<string, Tensor>>): Program {
  const inputs: Record<string, Tensor> = {};
  for (const { operation, outputs: results } of topologicalOrder(Object.values(outputs))) {
    if (operation !== inputOperation) continue;
    const tensor = results[0]!;
    const key = inputName(tensor);
    if (inputs[key]) throw new GraphError(`program "${name}": input names are unique, got "${key}" twice`);
    inputs[key] = tensor;
  }
  return { name, inputs, outputs };
}

/** Type and length of an array. */
export interface ArrayInfo {
  readonly dtype: DType;
  readonly length: number;
}

/**
 * Throws GraphError unless each input of the program gets an array of its type and length. @param feeds info by input
 * name
 */
export function checkInputs({ name, inputs }: Program, feeds: (name: string) => ArrayInfo | undefined): void {
  for (const [key, tensor] of Object.entries(inputs)) {
    const got = feeds(key);
    const rule = `program "${name}" takes ${describe(tensor)} as "${key}"`;
    if (!got) throw new GraphError(`${rule}, got nothing`);
    if (got.dtype !== tensor.dtype || got.length !== sizeOf(tensor.shape))
      throw new GraphError(`${rule}, got ${plural(got.length, 'value')} of ${got.dtype}`);
  }
}
