import type { NameOf, One, Two } from '../../graph/signatures.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { broadcastStrides, offsets } from './data.ts';
import { erf } from './erf.ts';
import type { KernelOf } from './kernel.ts';

const unary =
  (f: (x: number) => number): KernelOf<NameOf<One>> =>
  (_, [x]) =>
    (x as Float64Array).map((value) => f(value));

const binary =
  (f: (a: number, b: number) => number): KernelOf<NameOf<Two>> =>
  ({ inputs, outputs: [y] }, [a, b]) => {
    const placesOf = (x: Tensor) => offsets(y.shape, broadcastStrides(x.shape, y.shape));
    const fromA = placesOf(inputs[0]);
    const fromB = placesOf(inputs[1]);
    const out = new Float64Array(fromA.length);
    for (let i = 0; i < out.length; i++) out[i] = f(a[fromA[i]!]!, b[fromB[i]!]!);
    return out;
  };

export const elementwise = {
  add: binary((a, b) => a + b),
  sub: binary((a, b) => a - b),
  mul: binary((a, b) => a * b),
  div: binary((a, b) => a / b),
  maximum: binary(Math.max),
  minimum: binary(Math.min),
  neg: unary((x) => -x),
  exp: unary(Math.exp),
  log: unary(Math.log),
  sqrt: unary(Math.sqrt),
  abs: unary(Math.abs),
  sign: unary(Math.sign),
  floor: unary(Math.floor),
  erf: unary(erf),
};
