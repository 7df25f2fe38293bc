import { type Attributes, type DType, type Shape, sameShape, sizeOf } from '../../graph/tensor.ts';
import type { Binary, Eltwise, Instruction } from './instructions.ts';
import {
  broadcasted,
  bytesOf,
  denseStrides,
  isDense,
  joinAxes,
  type MemoryBuffer,
  permuted,
  type StorageType,
  type View,
} from './view.ts';

/** Writes instructions in order and allocates their memory. */
export class Builder {
  readonly instructions: Instruction[] = [];
  /**
   * Intermediate results for gradients: a layer norm's variance by its scale, attention weights by the attention's
   * result.
   */
  readonly variances = new Map<View, { readonly variance: View; readonly epsilon: number }>();
  readonly weights = new Map<View, View>();
  #buffers = 0;
  readonly #ones = new Map<string, View>();
  readonly #casts = new Map<string, View>();

  buffer(bytes: number, source?: MemoryBuffer['source']): MemoryBuffer {
    return { id: this.#buffers++, bytes, ...(source && { source }) };
  }

  /** A new buffer, uninitialised. */
  fresh(shape: Shape, dtype: StorageType = 'f32'): View {
    const buffer = this.buffer(sizeOf(shape) * bytesOf(dtype));
    return { buffer, dtype, shape, strides: denseStrides(shape), offset: 0 };
  }

  /** A new buffer of zeros. */
  zeros(shape: Shape, dtype: StorageType): View {
    const out = this.fresh(shape, dtype);
    const bytes: View = { ...out, dtype: 'u8', shape: [out.buffer.bytes], strides: [1] };
    this.emit({ kind: 'host', kernel: 'zero', inputs: [], out: bytes, attributes: {} });
    return out;
  }

  constant(data: Uint8Array, shape: Shape, dtype: DType): View {
    return {
      buffer: this.buffer(data.byteLength, { constant: data }),
      dtype,
      shape,
      strides: denseStrides(shape),
      offset: 0,
    };
  }

  emit(instruction: Instruction): void {
    if (sizeOf(instruction.out.shape) > 0) this.instructions.push(instruction);
  }

  /** The view itself if it is dense, else a dense copy. */
  dense(view: View): View {
    return isDense(view) ? view : this.copy(view, this.fresh(view.shape, view.dtype));
  }

  /** Copies, with type conversion. */
  copy(x: View, out: View): View {
    const [from, to] = joinAxes([x, out]) as [View, View];
    this.emit({ kind: 'copy', x: from, out: to });
    return out;
  }

  /** The values converted to another type. Repeated calls share one copy. */
  as(dtype: StorageType, x: View): View {
    if (x.dtype === dtype) return x;
    const key = `${keyOf(x)} ${dtype}`;
    let copy = this.#casts.get(key);
    if (!copy) {
      copy = this.copy(x, this.freshLike(x, dtype));
      this.#casts.set(key, copy);
    }
    return copy;
  }

  /** A new dense buffer with the axis order of a view. */
  freshLike({ shape, strides }: View, dtype: StorageType = 'f32'): View {
    const order = shape.map((_, axis) => axis).sort((a, b) => strides[b]! - strides[a]! || a - b);
    const inverse = shape.map((_, axis) => order.indexOf(axis));
    return permuted(
      this.fresh(
        order.map((axis) => shape[axis]!),
        dtype,
      ),
      inverse,
    );
  }

  eltwise(name: Eltwise, x: View, { alpha = 0, beta = 0, dtype = x.dtype } = {}): View {
    const from = this.dense(x);
    const out = this.fresh(x.shape, dtype);
    const flat = (view: View): View => ({ ...view, shape: [sizeOf(view.shape)], strides: [1] });
    this.emit({ kind: 'eltwise', function: name, alpha, beta, x: flat(from), out: flat(out) });
    return out;
  }

  /** a ∘ b, broadcast to `shape`. */
  binary(name: Binary, a: View, b: View, shape: Shape): View {
    const out = this.fresh(shape);
    const [wideA, wideB] = [this.#repeatable(a, shape), this.#repeatable(b, shape)];
    const swaps = isRepeated(wideA) && !isRepeated(wideB) && name !== 'sub' && name !== 'div';
    const [first, second] = swaps ? [wideB, wideA] : [wideA, wideB];
    // The first operand must have the full shape.
    const [x, y, z] = joinAxes([this.dense(first), second, out]) as [View, View, View];
    this.emit({ kind: 'binary', function: name, a: x, b: y, out: z });
    return out;
  }

  /** A view of the full shape that is dense except for repeated axes. */
  #repeatable(x: View, shape: Shape): View {
    const once: View = { ...x, shape: x.shape.map((side, axis) => (x.strides[axis] === 0 ? 1 : side)) };
    return broadcasted(broadcasted(this.dense(once), x.shape), shape);
  }

  /** alpha · a · b + bias over the last two axes, batch axes broadcast. */
  matmul(
    a: View,
    b: View,
    out: View,
    { bias, alpha = 1 }: { bias?: View | undefined; alpha?: number } = {},
  ): View {
    const [x, y, z] = joinBatch([a, b, out]) as [View, View, View];
    this.emit({ kind: 'matmul', a: x, b: y, ...(bias && { bias }), out: z, alpha });
    return out;
  }

  /** A dense copy. Repeated calls share one copy. */
  packed(x: View): View {
    if (isDense(x)) return x;
    const key = `${keyOf(x)} packed`;
    const copy = this.#casts.get(key) ?? this.dense(x);
    this.#casts.set(key, copy);
    return copy;
  }

  /** Sums over the first axis of [M, N] (to [N]) or the last (to [M]), as a product with ones. */
  sumMatrix(x: View, axis: 0 | 1): View {
    const [rows, columns] = x.shape as [number, number];
    if (axis === 0) {
      const out = this.fresh([1, columns]);
      this.matmul(this.#onesOf([1, rows], x.dtype), x, out);
      return { ...out, shape: [columns], strides: [1] };
    }
    const out = this.fresh([rows, 1]);
    this.matmul(x, this.#onesOf([columns, 1], x.dtype), out);
    return { ...out, shape: [rows], strides: [1] };
  }

  host(
    kernel: string,
    inputs: readonly View[],
    shape: Shape,
    dtype: DType,
    attributes: Attributes = {},
  ): View {
    const out = this.fresh(shape, dtype);
    this.emit({ kind: 'host', kernel, inputs: inputs.map((x) => this.dense(x)), out, attributes });
    return out;
  }

  #onesOf(shape: Shape, dtype: StorageType): View {
    const key = `${shape} ${dtype}`;
    let ones = this.#ones.get(key);
    if (!ones) {
      const data =
        dtype === 'bf16'
          ? new Uint16Array(sizeOf(shape)).fill(0x3f80)
          : new Float32Array(sizeOf(shape)).fill(1);
      const bytes = new Uint8Array(data.buffer);
      ones = { ...this.constant(bytes, shape, 'f32'), dtype };
      this.#ones.set(key, ones);
    }
    return ones;
  }
}

const isRepeated = ({ shape, strides }: View) =>
  shape.some((side, axis) => side !== 1 && strides[axis] === 0);

const keyOf = ({ buffer, offset, shape, strides }: View) => `${buffer.id} ${offset} [${shape}] [${strides}]`;

/** Merges the batch axes of matrices into one if they agree and are evenly spaced. */
function joinBatch(views: readonly View[]): readonly View[] {
  const batch = views.map((view) => ({
    ...view,
    shape: view.shape.slice(0, -2),
    strides: view.strides.slice(0, -2),
  }));
  const same = batch.every(({ shape }) => sameShape(shape, batch[0]!.shape));
  if (!same || batch[0]!.shape.length < 2) return views;
  return joinAxes(batch).map(({ shape, strides }, i) => ({
    ...views[i]!,
    shape: [...shape, ...views[i]!.shape.slice(-2)],
    strides: [...strides, ...views[i]!.strides.slice(-2)],
  }));
}
