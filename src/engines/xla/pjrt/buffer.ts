import { allocate, type DType, type Shape, sizeOf, type TensorData } from '../../../graph/tensor.ts';
import type { Api } from './api.ts';
import type { Address } from './struct.ts';

/** An array on a device. */
export class Buffer {
  readonly handle: Address;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Settles once the source array may be changed. */
  readonly sent: Promise<void>;
  readonly #api: Api;

  constructor(
    api: Api,
    handle: Address,
    shape: Shape,
    dtype: DType,
    sent: Promise<void> = Promise.resolve(),
  ) {
    this.#api = api;
    this.handle = handle;
    this.shape = shape;
    this.dtype = dtype;
    this.sent = sent;
    api.live.buffers++;
  }

  /** The values, after they are computed. */
  async read(): Promise<TensorData> {
    const data = allocate(this.dtype, sizeOf(this.shape));
    if (data.length === 0) return data;
    // XLA writes meanwhile, so the memory must not be on V8's heap, which moves.
    const target = new Uint8Array(data.buffer);
    const api = this.#api;
    const copying = api.call('PJRT_Buffer_ToHostBuffer', {
      src: this.handle,
      dst: target,
      dst_size: target.length,
    });
    await api.settle(copying.big('event'));
    return data;
  }

  destroy(): void {
    this.#api.call('PJRT_Buffer_Destroy', { buffer: this.handle });
    this.#api.live.buffers--;
  }
}
