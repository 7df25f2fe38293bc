import type { LoweredFunction } from './stablehlo/lower.ts';
import { list, typeText, type Value, type ValueType } from './stablehlo/values.ts';
import { FunctionWriter, names } from './stablehlo/writer.ts';

/** Sums a function's outputs over micro-batches, computed one after the other. */
export function accumulate(
  writer: FunctionWriter,
  { name, inputs, outputs }: LoweredFunction,
  operands: readonly Value[],
  stacked: ReadonlySet<string>,
  count: number,
  functions: string[],
): Value[] {
  const types = outputs.map(([, type]) => type);
  const body = new FunctionWriter([{ shape: [], type: 'i32' }, ...types, ...operands]);
  const [index, ...rest] = body.arguments as [Value, ...Value[]];
  const one = inputs.map(([input, type], i) => {
    const operand = rest[types.length + i]!;
    return stacked.has(input) ? element(body, operand, index, type) : operand;
  });
  const results = body.call(name, one, types);
  functions.push(
    body.finish(
      'accumulate',
      results.map((value, i) => body.apply('stablehlo.add', [value, rest[i]!])),
    ),
  );
  const first = writer.constant(new Int32Array(1), [], 'i32');
  const zeros = types.map(({ shape, type }) => writer.number(0, shape, type));
  return writer.repeat('accumulate', count, first, zeros, operands);
}

/** Element `index` of the first axis. */
function element(writer: FunctionWriter, x: Value, index: Value, type: ValueType): Value {
  const zero = writer.constant(new Int32Array(1), [], 'i32');
  const at = [index, ...type.shape.map(() => zero)];
  const sliced = writer.write(
    `stablehlo.dynamic_slice ${names([x, ...at])}, sizes = ${list([1, ...type.shape])}`,
    [x, ...at],
    { shape: [1, ...type.shape], type: type.type },
  );
  return writer.reshape(sliced, type.shape);
}

/** Mean over the micro-batches of all devices, from each device's sum. */
export function meanOverDevices(
  writer: FunctionWriter,
  sum: Value,
  { count, replicas }: { readonly count: number; readonly replicas: number },
): Value {
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
