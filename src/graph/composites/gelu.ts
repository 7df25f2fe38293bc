import { add, erf, exp, mul, square } from '../operations/elementwise.ts';
import { defineComposite, type One } from '../signatures.ts';
import { apply, refuse, requireFloat, sameShape, type Tensor } from '../tensor.ts';

/** Φ(x), the normal distribution's cumulative function. */
const phi = (x: Tensor) => add(mul(erf(mul(x, Math.SQRT1_2)), 0.5), 0.5);

const geluOperation = defineComposite<'gelu', One>({
  name: 'gelu',
  role: 'activation',
  infer: (inputs) => {
    requireFloat('gelu', inputs);
    return inputs;
  },
  vjp: ({ inputs: [x] }, [dy]) => [apply(geluGradOperation, [x, dy])],
  decompose: (_, [x]) => [mul(x, phi(x))],
});

const geluGradOperation = defineComposite<'geluGrad', One>({
  name: 'geluGrad',
  role: 'activation',
  infer: (inputs) => {
    requireFloat('geluGrad', inputs);
    const [x, dy] = inputs;
    if (!sameShape(x.shape, dy.shape)) refuse('geluGrad', 'x and dy must have one shape', inputs);
    return [x];
  },
  vjp: null,
  // dx = dy · (Φ(x) + x · φ(x)), φ the normal density
  decompose: (_, [x, dy]) => {
    const density = mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return [mul(dy, add(phi(x), mul(x, density)))];
  },
});

/** Exact GELU, x · Φ(x), by the error function (Hendrycks & Gimpel, arXiv 1606.08415). */
export function gelu(x: Tensor): Tensor {
  return apply(geluOperation, [x]);
}
