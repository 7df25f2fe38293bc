import type { Instruction, PostOperation } from './instructions.ts';
import {
  backward,
  binaryKinds,
  dataTypes,
  eltwiseKinds,
  forwardTraining,
  type Library,
  operands,
  type Pointer,
  postOperand,
  softmaxAccurate,
  useScaleAndShift,
} from './library.ts';
import { denseStrides, type View } from './view.ts';

type Operand = readonly [which: number, view: View];
type Of<K extends Instruction['kind']> = Extract<Instruction, { kind: K }>;

/** Bytes that hold any descriptor of 2.x: its structs are the caller's to allocate. */
const MEMORY_DESCRIPTOR = 1024;
const OPERATION_DESCRIPTOR = 8192;

/** Makes oneDNN's primitives of instructions, with fixed addresses. */
export class Primitives {
  private readonly library: Library;
  private readonly engine: bigint;
  private readonly stream: bigint;
  private readonly execute: (...values: unknown[]) => unknown;

  constructor(library: Library) {
    const [cpu, inOrder] = [1, 1];
    this.library = library;
    this.engine = library.make('engine_create', cpu, 0);
    this.stream = library.make('stream_create', this.engine, inOrder);
    this.execute = library.raw('primitive_execute');
  }

  /** A function that carries the instruction out. */
  prepare(
    instruction: Exclude<Instruction, { kind: 'host' }>,
    addressOf: (view: View) => bigint,
  ): () => void {
    const [description, views] = this.describe(instruction);
    const primitive = this.library.make('primitive_create', description);
    const given = new BigUint64Array(2 * views.length);
    views.forEach(([which, view], i) => {
      given[2 * i] = BigInt(which);
      given[2 * i + 1] = this.library.make('memory_create', this.layout(view), this.engine, addressOf(view));
    });
    const { execute, stream } = this;
    const count = views.length;
    const bytes = new Uint8Array(given.buffer);
    return () => {
      const status = execute(primitive, stream, count, bytes);
      if (status !== 0) throw new Error(`oneDNN failed at a ${instruction.kind} (status ${status})`);
    };
  }

  private describe(instruction: Exclude<Instruction, { kind: 'host' }>): [bigint, Operand[]] {
    switch (instruction.kind) {
      case 'matmul':
        return this.matmul(instruction);
      case 'eltwise':
        return this.eltwise(instruction);
      case 'eltwiseGrad':
        return this.eltwiseGrad(instruction);
      case 'binary':
        return this.binary(instruction);
      case 'copy':
        return this.copy(instruction);
      case 'softmax':
        return this.softmax(instruction);
      case 'softmaxGrad':
        return this.softmaxGrad(instruction);
      case 'layerNorm':
        return this.layerNorm(instruction);
      case 'layerNormGrad':
        return this.layerNormGrad(instruction);
    }
  }

  private matmul({ a, b, bias, out, post }: Of<'matmul'>): [bigint, Operand[]] {
    const rank = out.shape.length;
    const [x, y] = [ofRank(a, rank), ofRank(b, rank)];
    const z = bias && ofRank(bias, rank);
    const operation = this.operation(
      'matmul_desc_init',
      this.layout(x),
      this.layout(y),
      z ? this.layout(z) : null,
      this.layout(out),
    );
    const added = post.flatMap((each, place): Operand[] =>
      each.kind === 'add' ? [[postOperand(place), each.view]] : [],
    );
    const views: Operand[] = [
      [operands.src, x],
      [operands.weights, y],
      [operands.dst, out],
      ...(z ? [[operands.bias, z] as const] : []),
      ...added,
    ];
    return [this.primitive(operation, this.attributes(post)), views];
  }

  private eltwise({ function: name, alpha, beta, x, out }: Of<'eltwise'>): [bigint, Operand[]] {
    return [
      this.eltwiseForward(name, x, alpha, beta),
      [
        [operands.src, x],
        [operands.dst, out],
      ],
    ];
  }

  private eltwiseForward(name: keyof typeof eltwiseKinds, x: View, alpha = 0, beta = 0): bigint {
    const kind = eltwiseKinds[name];
    return this.primitive(
      this.operation('eltwise_forward_desc_init', forwardTraining, kind, this.layout(x), alpha, beta),
    );
  }

  private eltwiseGrad({ function: name, x, dy, out }: Of<'eltwiseGrad'>): [bigint, Operand[]] {
    const [data, gradient] = [this.layout(x), this.layout(dy)];
    const operation = this.operation('eltwise_backward_desc_init', eltwiseKinds[name], gradient, data, 0, 0);
    return [
      this.primitive(operation, null, this.eltwiseForward(name, x)),
      [
        [operands.src, x],
        [operands.diffDst, dy],
        [operands.diffSrc, out],
      ],
    ];
  }

  private binary({ function: name, a, b, out }: Of<'binary'>): [bigint, Operand[]] {
    const once = { ...b, shape: b.shape.map((side, axis) => (b.strides[axis] === 0 ? 1 : side)) };
    const layouts = [a, once, out].map((view) => this.layout(view));
    return [
      this.primitive(this.operation('binary_desc_init', binaryKinds[name], ...layouts)),
      [
        [operands.src, a],
        [operands.src1, once],
        [operands.dst, out],
      ],
    ];
  }

  private copy({ x, out }: Of<'copy'>): [bigint, Operand[]] {
    const { engine } = this;
    const [from, to] = [this.layout(x), this.layout(out)];
    return [
      this.library.make('reorder_primitive_desc_create', from, engine, to, engine, null),
      [
        [operands.src, x],
        [operands.dst, out],
      ],
    ];
  }

  private softmaxForward(x: View, out: View): bigint {
    const operation = this.operation(
      'softmax_v2_forward_desc_init',
      forwardTraining,
      softmaxAccurate,
      this.layout(x),
      this.layout(out),
      1,
    );
    return this.primitive(operation);
  }

  private softmax({ x, out }: Of<'softmax'>): [bigint, Operand[]] {
    return [
      this.softmaxForward(x, out),
      [
        [operands.src, x],
        [operands.dst, out],
      ],
    ];
  }

  private softmaxGrad({ y, dy, out }: Of<'softmaxGrad'>): [bigint, Operand[]] {
    const layouts = [out, dy, y].map((view) => this.layout(view));
    const operation = this.operation('softmax_v2_backward_desc_init', softmaxAccurate, ...layouts, 1);
    return [
      this.primitive(operation, null, this.softmaxForward(y, y)),
      [
        [operands.dst, y],
        [operands.diffDst, dy],
        [operands.diffSrc, out],
      ],
    ];
  }

  private layerNormForward(x: View, mean: View, epsilon: number): bigint {
    const operation = this.operation(
      'layer_normalization_forward_desc_init',
      forwardTraining,
      this.layout(x),
      this.layout(mean),
      epsilon,
      useScaleAndShift,
    );
    return this.primitive(operation);
  }

  private layerNorm({ x, weight, bias, out, mean, variance, epsilon }: Of<'layerNorm'>): [bigint, Operand[]] {
    return [
      this.layerNormForward(x, mean, epsilon),
      [
        [operands.src, x],
        [operands.scale, weight],
        [operands.shift, bias],
        [operands.dst, out],
        [operands.mean, mean],
        [operands.variance, variance],
      ],
    ];
  }

  private layerNormGrad(instruction: Of<'layerNormGrad'>): [bigint, Operand[]] {
    const { x, weight, mean, variance, dy, out, dWeight, dBias, epsilon } = instruction;
    const operation = this.operation(
      'layer_normalization_backward_desc_init',
      backward,
      this.layout(dy),
      this.layout(x),
      this.layout(mean),
      epsilon,
      useScaleAndShift,
    );
    return [
      this.primitive(operation, null, this.layerNormForward(x, mean, epsilon)),
      [
        [operands.src, x],
        [operands.scale, weight],
        // Asked for, though the gradients do not depend on it.
        [operands.shift, weight],
        [operands.mean, mean],
        [operands.variance, variance],
        [operands.diffDst, dy],
        [operands.diffSrc, out],
        [operands.diffScale, dWeight],
        [operands.diffShift, dBias],
      ],
    ];
  }

  /** A memory descriptor. */
  private layout({ shape, strides, dtype }: View): Uint8Array {
    const [sides, steps] = shape.length > 0 ? [shape, strides] : [[1], [1]];
    const dense = denseStrides(sides);
    // Where a side is 1 any stride would do; some are misread.
    const plain = sides.map((side, axis) =>
      side === 1 ? oneStride(sides, steps, axis, dense) : steps[axis]!,
    );
    const descriptor = new Uint8Array(MEMORY_DESCRIPTOR);
    this.library.call(
      'memory_desc_init_by_strides',
      descriptor,
      sides.length,
      BigInt64Array.from(sides, BigInt),
      dataTypes[dtype],
      BigInt64Array.from(plain, BigInt),
    );
    return descriptor;
  }

  private operation(name: Parameters<Library['call']>[0], ...values: (Pointer | number)[]): Uint8Array {
    const descriptor = new Uint8Array(OPERATION_DESCRIPTOR);
    this.library.call(name, descriptor, ...values);
    return descriptor;
  }

  private primitive(operation: Uint8Array, attributes: Pointer = null, forward: Pointer = null): bigint {
    return this.library.make('primitive_desc_create', operation, attributes, this.engine, forward);
  }

  private attributes(post: readonly PostOperation[]): Pointer {
    if (post.length === 0) return null;
    const { library } = this;
    const [attributes, list] = [library.make('primitive_attr_create'), library.make('post_ops_create')];
    for (const each of post)
      if (each.kind === 'scale')
        library.call('post_ops_append_eltwise', list, 1, eltwiseKinds.linear, each.by, 0);
      else library.call('post_ops_append_binary', list, binaryKinds.add, this.layout(each.view));
    library.call('primitive_attr_set_post_ops', attributes, list);
    return attributes;
  }
}

/** With leading axes of side 1. */
function ofRank(view: View, rank: number): View {
  const extra = Math.max(0, rank - view.shape.length);
  const [ones, zeros] = [new Array<number>(extra).fill(1), new Array<number>(extra).fill(0)];
  return { ...view, shape: [...ones, ...view.shape], strides: [...zeros, ...view.strides] };
}

/** The stride of an axis of side 1 as if it held what lies inside of it. */
function oneStride(
  shape: readonly number[],
  strides: readonly number[],
  axis: number,
  dense: readonly number[],
): number {
  for (let inner = axis + 1; inner < shape.length; inner++)
    if (shape[inner] !== 1) return shape[inner]! * strides[inner]!;
  return axis === shape.length - 1 ? 1 : dense[axis]!;
}
