import { definePrimitive, type NameOf, type One, type Two } from '../signatures.ts';
import { apply, refuse, requireFloat, type Shape, type Tensor } from '../tensor.ts';
import { constant } from './source.ts';
import { sumTo } from './sum.ts';

function unary(
  name: NameOf<One>,
  vjp: (dy: Tensor, x: Tensor, y: Tensor) => Tensor | undefined,
): (x: Tensor) => Tensor {
  const operation = definePrimitive({
    name,
    role: 'pointwise',
    infer: (inputs) => {
      requireFloat(name, inputs);
      return inputs;
    },
    vjp: ({ inputs: [x], outputs: [y] }, [dy]) => [vjp(dy, x, y)],
  });
  return (x) => apply(operation, [x]);
}

/** Shape of the result under NumPy's broadcasting rule. */
function broadcastShapes(name: string, a: Tensor, b: Tensor): Shape {
  const rank = Math.max(a.shape.length, b.shape.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a.shape[i - rank + a.shape.length] ?? 1;
    const y = b.shape[i - rank + b.shape.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) refuse(name, 'sides must be equal or 1', [a, b]);
    return x === 1 ? y : x;
  });
}

export type Operand = Tensor | number;
type Partial = (dy: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor;

const asTensor = (x: Operand) => (typeof x === 'number' ? constant(x) : x);

function binary(name: NameOf<Two>, da: Partial, db: Partial): (a: Operand, b: Operand) => Tensor {
  const operation = definePrimitive({
    name,
    role: 'pointwise',
    infer: (inputs) => {
      requireFloat(name, inputs);
      return [{ shape: broadcastShapes(name, inputs[0], inputs[1]), dtype: 'f32' }];
    },
    vjp: ({ inputs: [a, b], outputs: [y] }, [dy]) => [
      sumTo(da(dy, a, b, y), a.shape),
      sumTo(db(dy, a, b, y), b.shape),
    ],
  });
  return (a, b) => apply(operation, [asTensor(a), asTensor(b)]);
}

// Broadcasting follows NumPy. A number is a scalar constant.
export const add = binary(
  'add',
  (dy) => dy,
  (dy) => dy,
);
export const sub = binary(
  'sub',
  (dy) => dy,
  (dy) => neg(dy),
);
export const mul = binary(
  'mul',
  (dy, _, b) => mul(dy, b),
  (dy, a) => mul(dy, a),
);
export const div = binary(
  'div',
  (dy, _, b) => div(dy, b),
  (dy, _, b, y) => neg(div(mul(dy, y), b)),
);
// At a tie each side gets half of the gradient, as in JAX.
export const maximum = binary(
  'maximum',
  (dy, a, b) => mul(dy, above(a, b)),
  (dy, a, b) => mul(dy, above(b, a)),
);
export const minimum = binary(
  'minimum',
  (dy, a, b) => mul(dy, above(b, a)),
  (dy, a, b) => mul(dy, above(a, b)),
);

export const neg = unary('neg', (dy) => neg(dy));
export const exp = unary('exp', (dy, _, y) => mul(dy, y));
export const log = unary('log', (dy, x) => div(dy, x));
export const sqrt = unary('sqrt', (dy, _, y) => div(mul(dy, 0.5), y));
export const abs = unary('abs', (dy, x) => mul(dy, sign(x)));
export const sign = unary('sign', () => undefined);
export const floor = unary('floor', () => undefined);
/** Gauss error function. Its derivative is 2/√π · exp(−x²). */
export const erf = unary('erf', (dy, x) => mul(dy, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))));

/** x² */
export const square = (x: Tensor) => mul(x, x);

/** 1 where a > b, ½ where equal, 0 elsewhere. */
function above(a: Tensor, b: Tensor): Tensor {
  return add(mul(sign(sub(a, b)), 0.5), 0.5);
}

/** Limits every value to [low, high]. */
export function clip(x: Tensor, low: number, high: number): Tensor {
  return minimum(maximum(x, low), high);
}
