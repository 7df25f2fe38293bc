import type { Shape, Tensor } from '../graph/index.ts';

/** A model's weights by name. */
export type Weights = (name: string) => Tensor;

/** Initialisation of a tensor. */
export type Init =
  /** Normal with standard deviation `std` (default 0.02), truncated at ±`std`. */
  | { readonly kind: 'truncatedNormal'; readonly std?: number }
  /** Uniform in ±bound. */
  | { readonly kind: 'uniform'; readonly bound: number }
  | { readonly kind: 'zeros' | 'ones' }
  | { readonly kind: 'table'; readonly values: () => Float32Array };

/** A part of a model. Files and exports may hold some parts only. */
export type Part = 'encoder' | 'decoder' | 'head';

/** One tensor of a model's state. */
export interface ParameterSpec {
  readonly name: string;
  readonly part: Part;
  /**
   * Depth in the encoder, for layer-wise learning rates: 0 for tokens, positions and patches, 1 … L for the blocks, L
   * + 1 for the rest; undefined in a decoder.
   */
  readonly layer?: number | undefined;
  readonly shape: Shape;
  readonly init: Init;
  /** False for tensors that are stored but fixed: sine-cosine position tables. */
  readonly trainable: boolean;
  /** True if weight decay applies. False for biases, norms, tokens and positions. */
  readonly decay: boolean;
}

/** A tensor of a layer, not yet assigned to a part of a model. */
export type LayerParameter = Omit<ParameterSpec, 'part' | 'layer'>;

/** Assigns a layer's tensors to a part of a model. */
export function inPart(part: Part, tensors: readonly LayerParameter[], layer?: number): ParameterSpec[] {
  return tensors.map((tensor) => ({ ...tensor, part, layer }));
}

/** A trainable weight or bias. */
export function parameter(name: string, shape: Shape, init: Init, decay = false): LayerParameter {
  return { name, shape, init, trainable: true, decay };
}

/** `<name>.weight` [out, in] and `<name>.bias` [out] of a linear layer. */
export function linearParameters(name: string, width: number, out: number): LayerParameter[] {
  return [
    parameter(`${name}.weight`, [out, width], { kind: 'truncatedNormal' }, true),
    parameter(`${name}.bias`, [out], { kind: 'zeros' }),
  ];
}

/** `<name>.weight` and `<name>.bias` [width] of a layer norm. */
export function normParameters(name: string, width: number): LayerParameter[] {
  return [
    parameter(`${name}.weight`, [width], { kind: 'ones' }),
    parameter(`${name}.bias`, [width], { kind: 'zeros' }),
  ];
}
