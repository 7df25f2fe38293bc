import { evaluateProgram } from '../../src/engines/reference/evaluate.ts';
import { program, type Tensor, type TensorData } from '../../src/graph/index.ts';

/** Values of a tensor on the reference engine, floats in double precision. */
export function evaluate(
  tensor: Tensor,
  values: Readonly<Record<string, TensorData | Float64Array>> = {},
): number[] {
  return [...evaluateProgram(program('test', { y: tensor }), values).y!];
}
