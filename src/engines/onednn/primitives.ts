import { type Call, type Operands, operands } from './call.ts';
import { convolutionCalls } from './convolutions.ts';
import { type Descriptors, layoutQueries } from './descriptors.ts';
import { descriptors2 } from './descriptors-2.ts';
import { descriptors3 } from './descriptors-3.ts';
import { type Convolution, type Instruction, isConvolution } from './instructions.ts';
import type { Library, Pointer } from './library.ts';
import { denseStrides, type View } from './view.ts';

type Primitive = Exclude<Instruction, { kind: 'host' }>;

/** Creates oneDNN primitives for instructions, with fixed addresses. */
export class Primitives {
  readonly #descriptors: Descriptors;
  readonly #layouts: ReturnType<typeof layoutQueries>;
  readonly #create: (descriptor: bigint) => bigint;
  readonly #memory: (layout: Pointer, address: bigint) => bigint;
  readonly #execute: (primitive: bigint, count: number, operands: Uint8Array) => number;

  constructor(library: Library) {
    const [cpu, inOrder] = [1, 1];
    const engine = library.maker('engine_create', 'int, size_t')(cpu, 0);
    const stream = library.maker('stream_create', 'void *, uint')(engine, inOrder);
    this.#descriptors = (library.version.major === 2 ? descriptors2 : descriptors3)(library, engine);
    this.#layouts = layoutQueries(library);
    this.#create = library.maker('primitive_create', 'void *');
    const memory = library.maker('memory_create', 'void *, void *, void *');
    this.#memory = (layout, address) => memory(layout, engine, address);
    const execute = library.raw('primitive_execute', 'void *, void *, int, void *');
    this.#execute = (primitive, count, args) => execute(primitive, stream, count, args) as number;
  }

  /** Returns a function that executes the instruction. */
  prepare(instruction: Primitive, addressOf: (view: View) => bigint): () => void {
    const calls = this.#describe(instruction).map((call) => this.#call(instruction.kind, call, addressOf));
    const [first, second] = calls as [() => void, (() => void)?];
    if (!second) return first;
    return () => {
      first();
      second();
    };
  }

  #call(kind: string, [descriptor, views]: Call, addressOf: (view: View) => bigint): () => void {
    const primitive = this.#create(descriptor);
    const entries = Object.entries(views) as [keyof Operands, NonNullable<Operands[keyof Operands]>][];
    const args = new BigUint64Array(
      entries.flatMap(([name, operand]) => {
        const { layout, view } =
          'layout' in operand ? operand : { layout: this.#layout(operand), view: operand };
        return [BigInt(operands[name]), this.#memory(layout, addressOf(view))];
      }),
    );
    const [bytes, count] = [new Uint8Array(args.buffer), entries.length];
    const execute = this.#execute;
    return () => {
      const status = execute(primitive, count, bytes);
      if (status !== 0) throw new Error(`oneDNN failed at a ${kind} (status ${status})`);
    };
  }

  #describe(instruction: Primitive): readonly Call[] {
    const at = (view: View) => this.#layout(view);
    return isConvolution(instruction)
      ? convolutionCalls(this.#descriptors, this.#layouts, at, instruction)
      : [this.#describeOne(instruction)];
  }

  #describeOne(instruction: Exclude<Primitive, Convolution>): Call {
    const make = this.#descriptors;
    const at = (view: View) => this.#layout(view);
    switch (instruction.kind) {
      case 'matmul': {
        const { out, alpha } = instruction;
        const rank = out.shape.length;
        const [a, b] = [ofRank(instruction.a, rank), ofRank(instruction.b, rank)];
        const bias = instruction.bias && ofRank(instruction.bias, rank);
        const descriptor = make.matmul(at(a), at(b), bias ? at(bias) : null, at(out), alpha);
        return [descriptor, { src: a, weights: b, dst: out, ...(bias && { bias }) }];
      }
      case 'eltwise': {
        const { function: name, x, out, alpha, beta } = instruction;
        return [make.eltwise(name, at(x), alpha, beta), { src: x, dst: out }];
      }
      case 'eltwiseGrad': {
        const { function: name, x, dy, out } = instruction;
        const forward = make.eltwise(name, at(x), 0, 0);
        return [make.eltwiseGrad(name, at(x), at(dy), forward), { src: x, diffDst: dy, diffSrc: out }];
      }
      case 'binary': {
        const { function: name, a, b, out } = instruction;
        const once = { ...b, shape: b.shape.map((side, axis) => (b.strides[axis] === 0 ? 1 : side)) };
        return [make.binary(name, at(a), at(once), at(out)), { src: a, src1: once, dst: out }];
      }
      case 'copy': {
        const { x, out } = instruction;
        return [make.copy(at(x), at(out)), { src: x, dst: out }];
      }
      case 'softmax': {
        const { x, out } = instruction;
        return [make.softmax(at(x), at(out)), { src: x, dst: out }];
      }
      case 'logSoftmax': {
        const { x, out } = instruction;
        return [make.logSoftmax(at(x), at(out)), { src: x, dst: out }];
      }
      case 'softmaxGrad': {
        const { y, dy, out } = instruction;
        const forward = make.softmax(at(y), at(y));
        return [make.softmaxGrad(at(y), at(dy), at(out), forward), { dst: y, diffDst: dy, diffSrc: out }];
      }
      case 'layerNorm': {
        const { x, weight: scale, bias: shift, out: dst, mean, variance, epsilon } = instruction;
        return [make.layerNorm(at(x), at(mean), epsilon), { src: x, scale, shift, dst, mean, variance }];
      }
      case 'layerNormGrad': {
        const { x, weight: scale, mean, variance, dy, out, dWeight, dBias, epsilon } = instruction;
        const forward = make.layerNorm(at(x), at(mean), epsilon);
        // oneDNN requires the shift, although the gradients do not depend on it.
        const inputs = { src: x, scale, shift: scale, mean, variance, diffDst: dy };
        return [
          make.layerNormGrad(at(x), at(dy), at(mean), epsilon, forward),
          { ...inputs, diffSrc: out, diffScale: dWeight, diffShift: dBias },
        ];
      }
      case 'batchNorm': {
        const { x, scaleShift, out: dst, mean, variance, epsilon } = instruction;
        const views = { src: x, dst, mean, variance, ...make.scales(scaleShift) };
        return [make.batchNorm(at(x), epsilon), views];
      }
      case 'batchNormGrad': {
        const { x, scaleShift, mean, variance, dy, out, dScaleShift, epsilon } = instruction;
        const views = {
          src: x,
          mean,
          variance,
          diffDst: dy,
          diffSrc: out,
          ...make.scales(scaleShift, dScaleShift),
        };
        return [make.batchNormGrad(at(x), at(dy), epsilon, make.batchNorm(at(x), epsilon)), views];
      }
    }
  }

  #layout({ shape, strides, dtype }: View): Pointer {
    if (shape.length === 0) return this.#descriptors.layout([1], [1], dtype);
    // The stride of a side of 1 is arbitrary, but oneDNN misreads some.
    const plain = shape.map((side, axis) =>
      side === 1 ? strideAround(shape, strides, axis) : strides[axis]!,
    );
    return this.#descriptors.layout(shape, plain, dtype);
  }
}

/** Adds leading axes of side 1. */
function ofRank(view: View, rank: number): View {
  const extra = Math.max(0, rank - view.shape.length);
  const [ones, zeros] = [new Array<number>(extra).fill(1), new Array<number>(extra).fill(0)];
  return { ...view, shape: [...ones, ...view.shape], strides: [...zeros, ...view.strides] };
}

/** Stride of an axis of side 1, as if the axis enclosed the inner ones. */
function strideAround(shape: readonly number[], strides: readonly number[], axis: number): number {
  for (let inner = axis + 1; inner < shape.length; inner++)
    if (shape[inner] !== 1) return shape[inner]! * strides[inner]!;
  return axis === shape.length - 1 ? 1 : denseStrides(shape)[axis]!;
}
