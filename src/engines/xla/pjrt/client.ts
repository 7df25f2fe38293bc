import type { DType, Shape, TensorData } from '../../../graph/tensor.ts';
import type { Api } from './api.ts';
import { Buffer } from './buffer.ts';
import { type ClientOptions, packOptions, unpackTexts } from './client-options.ts';
import { type CompileOptions, encodeOptions } from './compile-options.ts';
import { XlaError } from './error.ts';
import { Executable } from './executable.ts';
import { constants } from './layout.ts';
import { type Address, copyFrom, cString, native } from './struct.ts';

export interface Device {
  readonly handle: Address;
  readonly id: number;
  /** Product name: `NVIDIA H100 80GB HBM3`. */
  readonly kind: string;
  /** For NVIDIA's GPUs, if the plugin reports it: `9.0`. */
  readonly computeCapability?: string | undefined;
}

const elementTypes: Record<DType, number> = {
  f32: constants.PJRT_Buffer_Type_F32,
  i32: constants.PJRT_Buffer_Type_S32,
  u8: constants.PJRT_Buffer_Type_U8,
};

/** The devices of a plugin. */
export class Client {
  readonly api: Api;
  /** `cpu`, `cuda`, `rocm`, `tpu`, … */
  readonly platform: string;
  readonly platformVersion: string;
  readonly devices: readonly Device[];
  readonly #handle: Address;

  private constructor(api: Api, handle: Address) {
    this.api = api;
    this.#handle = handle;
    this.platform = api.text(api.call('PJRT_Client_PlatformName', { client: handle }), 'platform_name');
    const version = api.call('PJRT_Client_PlatformVersion', { client: handle });
    this.platformVersion = api.text(version, 'platform_version');
    this.devices = this.#findDevices();
  }

  /** Throws XlaError if the plugin finds no usable device. */
  static async create(api: Api, options: ClientOptions = {}): Promise<Client> {
    const packed = packOptions(api, options);
    const created = await api
      .callAsync('PJRT_Client_Create', { create_options: packed.bytes, num_options: packed.count })
      .catch((error: XlaError) => {
        throw new XlaError(`the plugin must find a device, got: ${error.message} (${api.path})`, error.code);
      });
    const client = new Client(api, created.big('client'));
    if (client.devices.length > 0) return client;
    client.dispose();
    throw new XlaError(`the plugin must find a device, got none: ${api.path}`);
  }

  /** Copies an array to a device. The array must not change before the buffer is `sent`. */
  put(data: TensorData, shape: Shape, dtype: DType, device: Device = this.devices[0]!): Buffer {
    const dims = new BigInt64Array(native(8 * shape.length).buffer);
    shape.forEach((side, axis) => {
      dims[axis] = BigInt(side);
    });
    // Requesting the buffer moves a small array off V8's heap, whose addresses change.
    const source = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const result = this.api.call('PJRT_Client_BufferFromHostBuffer', {
      client: this.#handle,
      data: source.length === 0 ? native(0) : source,
      type: elementTypes[dtype],
      dims: new Uint8Array(dims.buffer),
      num_dims: shape.length,
      host_buffer_semantics: constants.PJRT_HostBufferSemantics_kImmutableUntilTransferCompletes,
      device: device.handle,
    });
    const sent = this.api.settle(result.big('done_with_host_buffer')).then(() => void source);
    sent.catch(() => {}); // the caller that awaits `sent` gets the error
    return new Buffer(this.api, result.big('buffer'), shape, dtype, sent);
  }

  /** Compiles the text of a StableHLO module. */
  async compile(text: string, options: CompileOptions): Promise<Executable> {
    const code = cString(text);
    const format = cString('mlir');
    const program = this.api.struct('PJRT_Program', {
      code: code.bytes,
      code_size: code.length,
      format: format.bytes,
      format_size: format.length,
    });
    const encoded = encodeOptions(options);
    const result = await this.api.callAsync('PJRT_Client_Compile', {
      client: this.#handle,
      program,
      compile_options: ownMemory(encoded),
      compile_options_size: encoded.length,
    });
    return new Executable(this.api, result.big('executable'), options.devices.length);
  }

  /**
   * Loads the bytes of `Executable.serialize`. Throws XlaError if they are from another version or kind of device.
   */
  async load(serialized: Uint8Array, replicas: number): Promise<Executable> {
    const result = await this.api.callAsync('PJRT_Executable_DeserializeAndLoad', {
      client: this.#handle,
      serialized_executable: ownMemory(serialized),
      serialized_executable_size: serialized.length,
    });
    return new Executable(this.api, result.big('loaded_executable'), replicas);
  }

  /** Bytes of a device's memory, in use, at the peak and the limit; undefined if the plugin does not report them. */
  memory(device: Device = this.devices[0]!): { inUse: number; peak: number; limit: number } | undefined {
    try {
      const stats = this.api.call('PJRT_Device_MemoryStats', { device: device.handle });
      const limit = stats.number('bytes_limit_is_set')
        ? stats.number('bytes_limit')
        : Number.POSITIVE_INFINITY;
      return { inUse: stats.number('bytes_in_use'), peak: stats.number('peak_bytes_in_use'), limit };
    } catch {
      return undefined;
    }
  }

  dispose(): void {
    this.api.call('PJRT_Client_Destroy', { client: this.#handle });
  }

  #findDevices(): Device[] {
    const { api } = this;
    const found = api.call('PJRT_Client_AddressableDevices', { client: this.#handle });
    const bytes = copyFrom(
      api.koffi,
      found.big('addressable_devices'),
      8 * found.number('num_addressable_devices'),
    );
    return [...new BigUint64Array(bytes.buffer)].map((device) => {
      const description = api.call('PJRT_Device_GetDescription', { device }).big('device_description');
      const id = api.call('PJRT_DeviceDescription_Id', { device_description: description }).number('id');
      const kind = api.call('PJRT_DeviceDescription_Kind', { device_description: description });
      const { compute_capability: computeCapability } = this.#attributesOf(description);
      return { handle: device, id, kind: api.text(kind, 'device_kind'), computeCapability };
    });
  }

  /** Text attributes of a device. */
  #attributesOf(description: Address): Readonly<Record<string, string>> {
    try {
      const found = this.api.call('PJRT_DeviceDescription_Attributes', { device_description: description });
      return unpackTexts(this.api, found.big('attributes'), found.number('num_attributes'));
    } catch {
      return {};
    }
  }
}

/** A copy in an ArrayBuffer of the same size. */
function ownMemory(bytes: Uint8Array): Uint8Array {
  const copy = native(bytes.length);
  copy.set(bytes);
  return copy;
}
