import type { Api } from './api.ts';
import { type Address, native } from './struct.ts';

/** Memory of a compiled program on a device, in bytes. */
export interface MemoryNeed {
  readonly arguments: number;
  readonly outputs: number;
  /** Bytes of outputs that reuse argument memory. */
  readonly aliased: number;
  readonly temporary: number;
}

/** Results of an execution on each device. */
export interface Execution {
  /** Handles of the outputs by device. They exist at once; their values may still be computed. */
  readonly outputs: readonly (readonly Address[])[];
  /** Settles when everything is computed. */
  readonly done: Promise<void>;
}

/** A compiled program. */
export class Executable {
  readonly #api: Api;
  readonly #handle: Address;
  readonly #outputs: number;
  readonly #replicas: number;

  constructor(api: Api, handle: Address, replicas: number) {
    this.#api = api;
    this.#handle = handle;
    this.#replicas = replicas;
    api.live.executables++;
    this.#outputs = this.#inspect((executable) =>
      api.call('PJRT_Executable_NumOutputs', { executable }).number('num_outputs'),
    );
  }

  /** Runs on every device with its arguments. Donated arguments become invalid, but must still be destroyed. */
  async execute(inputs: readonly (readonly Address[])[]): Promise<Execution> {
    const [api, replicas] = [this.#api, this.#replicas];
    const lists = inputs.map((addresses) => BigUint64Array.from([...addresses, 0n]));
    const results = inputs.map(() => new BigUint64Array(native(8 * Math.max(1, this.#outputs)).buffer));
    const events = new BigUint64Array(native(8 * replicas).buffer);
    await api.callAsync('PJRT_LoadedExecutable_Execute', {
      executable: this.#handle,
      options: api.struct('PJRT_ExecuteOptions'),
      argument_lists: this.#pointers(lists),
      num_devices: replicas,
      num_args: inputs[0]!.length,
      output_lists: this.#pointers(results),
      device_complete_events: bytesOf(events),
    });
    const done = Promise.all([...events].map((event) => api.settle(event))).then(() => {});
    done.catch(() => {}); // the caller that awaits `done` gets the error
    return { outputs: results.map((list) => [...list.subarray(0, this.#outputs)]), done };
  }

  /** Memory that it needs; undefined if the plugin does not report it. */
  memory(): MemoryNeed | undefined {
    return this.#inspect((executable) => {
      try {
        const stats = this.#api.call('PJRT_Executable_GetCompiledMemoryStats', { executable });
        return {
          arguments: stats.number('argument_size_in_bytes'),
          outputs: stats.number('output_size_in_bytes'),
          aliased: stats.number('alias_size_in_bytes'),
          temporary: stats.number('temp_size_in_bytes'),
        };
      } catch {
        return undefined;
      }
    });
  }

  /**
   * The compiled program, for this version of the plugin and kind of device. Throws XlaError if the plugin cannot
   * serialize it.
   */
  serialize(): Uint8Array {
    const api = this.#api;
    return this.#inspect((executable) => {
      const result = api.call('PJRT_Executable_Serialize', { executable });
      const bytes = api.copy(result, 'serialized_bytes');
      api.free(result.big('serialized_executable_deleter'), result.big('serialized_executable'));
      return bytes;
    });
  }

  destroy(): void {
    this.#api.call('PJRT_LoadedExecutable_Destroy', { executable: this.#handle });
    this.#api.live.executables--;
  }

  /** Calls `look` with the unloaded program, a separate object that must be destroyed. */
  #inspect<T>(look: (executable: Address) => T): T {
    const api = this.#api;
    const executable = api
      .call('PJRT_LoadedExecutable_GetExecutable', { loaded_executable: this.#handle })
      .big('executable');
    try {
      return look(executable);
    } finally {
      api.call('PJRT_Executable_Destroy', { executable });
    }
  }

  /** An array of pointers. It keeps the arrays alive that it points to. */
  #pointers(arrays: readonly BigUint64Array[]): Uint8Array {
    const { koffi } = this.#api;
    const pointers = bytesOf(BigUint64Array.from(arrays, (array) => koffi.address(bytesOf(array))));
    return Object.assign(pointers, { held: arrays });
  }
}

function bytesOf(array: BigUint64Array): Uint8Array {
  return new Uint8Array(array.buffer);
}
