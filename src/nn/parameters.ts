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

/** A part of a model: its own files hold some of them, its exports others. */
export type Part = 'encoder' | 'decoder' | 'head';

/** One tensor of a model's state. */
export interface ParameterSpec {
  readonly name: string;
  readonly part: Part;
  /**
   * Depth in the encoder, for learning rates by layer: 0 for tokens, positions and patches, 1 … L for the blocks, L + 1 for all
   * that follows; undefined in a decoder.
   */
  readonly layer?: number | undefined;
  readonly shape: Shape;
  readonly init: Init;
  /** False for what is stored but fixed: sine-cosine position tables. */
  readonly trained: boolean;
  /** Whether weight decay applies: not to biases, norms, tokens and positions. */
  readonly decay: boolean;
}

/** A tensor as a layer makes it, before a model says which of its parts it belongs to. */
export type LayerParameter = Omit<ParameterSpec, 'part' | 'layer'>;

/** The tensors of a layer as those of a part of a model. */
export function inPart(part: Part, tensors: readonly LayerParameter[], layer?: number): ParameterSpec[] {
  return tensors.map((tensor) => ({ ...tensor, part, layer }));
}

/** A weight matrix or bias that is trained, with or without decay. */
export function parameter(name: string, shape: Shape, init: Init, decay = false): LayerParameter {
  return { name, shape, init, trained: true, decay };
}

/** `<name>.weight` [out, in] and, unless left out, `<name>.bias` [out] of a linear layer. */
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
