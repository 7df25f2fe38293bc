import type { Shape, Tensor } from '../graph/index.ts';

/** Where a model's functions find their weights. */
export type Weights = (name: string) => Tensor;

/** How a tensor starts. */
export type Init =
  /** Normal of standard deviation `std` (0.02 unless given), cut at ±`std`. */
  | { readonly kind: 'truncatedNormal'; readonly std?: number }
  /** Uniform in ±bound. */
  | { readonly kind: 'uniform'; readonly bound: number }
  | { readonly kind: 'zeros' | 'ones' }
  | { readonly kind: 'table'; readonly values: () => Float32Array };

/** One tensor of a model's state. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly init: Init;
  /** False for what is stored but fixed: sine-cosine position tables. */
  readonly trained: boolean;
  /** Whether weight decay applies: not to biases, norms, tokens and positions. */
  readonly decay: boolean;
}

/** A weight matrix or bias that is trained, with or without decay. */
export function parameter(name: string, shape: Shape, init: Init, decay = false): ParameterSpec {
  return { name, shape, init, trained: true, decay };
}

/** `<name>.weight` [out, in] and, unless left out, `<name>.bias` [out] of a linear layer. */
export function linearParameters(name: string, width: number, out: number): ParameterSpec[] {
  return [
    parameter(`${name}.weight`, [out, width], { kind: 'truncatedNormal' }, true),
    parameter(`${name}.bias`, [out], { kind: 'zeros' }),
  ];
}

/** `<name>.weight` and `<name>.bias` [width] of a layer norm. */
export function normParameters(name: string, width: number): ParameterSpec[] {
  return [
    parameter(`${name}.weight`, [width], { kind: 'ones' }),
    parameter(`${name}.bias`, [width], { kind: 'zeros' }),
  ];
}
