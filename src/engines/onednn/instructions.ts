import type { Attributes, DType, Shape } from '../../graph/tensor.ts';
import type { View } from './view.ts';

/** Unary functions of oneDNN. */
export type Eltwise = 'relu' | 'linear' | 'exp' | 'log' | 'sqrt' | 'abs' | 'pow' | 'gelu';
export type Binary = 'add' | 'sub' | 'mul' | 'div' | 'max' | 'min';

/** Strides, dilation and padding of a convolution's filters. */
export interface Window {
  readonly strides: readonly number[];
  readonly dilation: readonly number[];
  readonly padding: readonly (readonly [number, number])[];
}

/** One call of a kernel on views. */
export type Instruction =
  | { kind: 'matmul'; a: View; b: View; bias?: View; out: View; alpha: number }
  | { kind: 'eltwise'; function: Eltwise; alpha: number; beta: number; x: View; out: View }
  | { kind: 'eltwiseGrad'; function: Eltwise; x: View; dy: View; out: View }
  | { kind: 'binary'; function: Binary; a: View; b: View; out: View }
  | { kind: 'copy'; x: View; out: View }
  /**
   * Images [N, G·C, H, W] with filters [G, O, C, k, l], or [O, C, k, l] for one group: each group of channels has its filters. `packed` is memory for the filters in the
   * order that the kernel prefers; without it they stay as they are.
   */
  | ({ kind: 'convolution'; x: View; filters: View; out: View; packed?: View } & Window)
  /** Gradient of a convolution's images. */
  | ({ kind: 'imageGrad'; filters: View; dy: View; out: View; packed?: View } & Window)
  | { kind: 'softmax' | 'logSoftmax'; x: View; out: View }
  | { kind: 'softmaxGrad'; y: View; dy: View; out: View }
  | {
      kind: 'layerNorm';
      x: View;
      weight: View;
      bias: View;
      out: View;
      mean: View;
      variance: View;
      epsilon: number;
    }
  | {
      kind: 'layerNormGrad';
      x: View;
      weight: View;
      mean: View;
      variance: View;
      dy: View;
      out: View;
      dWeight: View;
      dBias: View;
      epsilon: number;
    }
  /** Images [B, C, H, W]; `scaleShift` is [2, C], weight and bias. */
  | {
      kind: 'batchNorm';
      x: View;
      scaleShift: View;
      out: View;
      mean: View;
      variance: View;
      epsilon: number;
    }
  | {
      kind: 'batchNormGrad';
      x: View;
      scaleShift: View;
      mean: View;
      variance: View;
      dy: View;
      out: View;
      dScaleShift: View;
      epsilon: number;
    }
  | { kind: 'host'; kernel: string; inputs: readonly View[]; out: View; attributes: Attributes };

/** A convolution or the gradient of its images. */
export type Convolution = Extract<Instruction, Window>;

export const isConvolution = <I extends Instruction>(instruction: I): instruction is I & Convolution =>
  'dilation' in instruction;

export function reads(instruction: Instruction): View[] {
  switch (instruction.kind) {
    case 'matmul': {
      const { a, b, bias } = instruction;
      return [a, b, ...(bias ? [bias] : [])];
    }
    case 'eltwise':
    case 'copy':
    case 'softmax':
    case 'logSoftmax':
      return [instruction.x];
    case 'convolution':
      return [instruction.x, instruction.filters];
    case 'imageGrad':
      return [instruction.filters, instruction.dy];
    case 'eltwiseGrad':
      return [instruction.x, instruction.dy];
    case 'binary':
      return [instruction.a, instruction.b];
    case 'softmaxGrad':
      return [instruction.y, instruction.dy];
    case 'batchNorm':
      return [instruction.x, instruction.scaleShift];
    case 'batchNormGrad':
      return [instruction.x, instruction.scaleShift, instruction.mean, instruction.variance, instruction.dy];
    case 'layerNorm':
      return [instruction.x, instruction.weight, instruction.bias];
    case 'layerNormGrad':
      return [instruction.x, instruction.weight, instruction.mean, instruction.variance, instruction.dy];
    case 'host':
      return [...instruction.inputs];
  }
}

export function writes(instruction: Instruction): View[] {
  const { out } = instruction;
  if (instruction.kind === 'layerNorm' || instruction.kind === 'batchNorm')
    return [out, instruction.mean, instruction.variance];
  if (instruction.kind === 'batchNormGrad') return [out, instruction.dScaleShift];
  if (instruction.kind === 'layerNormGrad') return [out, instruction.dWeight, instruction.dBias];
  if ('packed' in instruction && instruction.packed) return [out, instruction.packed];
  return [out];
}

/** The operand that the output may overwrite: the kernel reads each element before it writes it. */
export function replaceable(instruction: Instruction): View | undefined {
  switch (instruction.kind) {
    case 'eltwise':
    case 'softmax':
    case 'logSoftmax':
      return instruction.x;
    case 'eltwiseGrad':
    case 'softmaxGrad':
    case 'layerNormGrad':
    case 'batchNormGrad':
      return instruction.dy;
    case 'binary':
      return instruction.a;
    default:
      return undefined;
  }
}

export interface PlannedOutput {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly view: View;
}

/** A program as a list of calls with planned memory. */
export interface Plan {
  readonly instructions: readonly Instruction[];
  /** Offset in bytes of each scratch buffer and each fed input. */
  readonly offsets: ReadonlyMap<number, number>;
  readonly scratchBytes: number;
  readonly feeds: readonly { readonly name: string; readonly view: View }[];
  readonly outputs: readonly PlannedOutput[];
  /** Where a run waits for the inputs that the caller makes of these outputs. */
  readonly midway?: {
    /** Number of instructions before. */
    readonly at: number;
    readonly outputs: readonly PlannedOutput[];
  };
}
