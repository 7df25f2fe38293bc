import type { Api } from './api.ts';
import { type Address, native } from './struct.ts';

/** Bytes that a compiled program takes on a device. */
export interface MemoryNeed {
  readonly arguments: number;
  readonly outputs: number;
  /** Of the outputs, what is written over arguments. */
  readonly aliased: number;
  readonly temporary: number;
}

/** What came of an execution, on each device. */
export interface Execution {
  /** Handles of the outputs by device, which are there at once; their values may still be on their way. */
  readonly outputs: readonly (readonly Address[])[];
  /** Settles when all is computed. */
  readonly done: Promise<void>;
}

/** A compiled program. */
export class Executable {
  private readonly api: Api;
  private readonly handle: Address;
  private readonly outputs: number;
  private readonly replicas: number;

  constructor(api: Api, handle: Address, replicas: number) {
    this.api = api;
    this.handle = handle;
    this.replicas = replicas;
    api.live.executables++;
    this.outputs = this.inspect((executable) =>
      api.call('PJRT_Executable_NumOutputs', { executable }).number('num_outputs'),
    );
  }

  /** Runs on every device with its arguments; donated ones are of no use afterwards, but are still to be destroyed. */
  async execute(inputs: readonly (readonly Address[])[]): Promise<Execution> {
    const { api, replicas } = this;
    const lists = inputs.map((addresses) => BigUint64Array.from([...addresses, 0n]));
    const made = inputs.map(() => new BigUint64Array(native(8 * Math.max(1, this.outputs)).buffer));
    const events = new BigUint64Array(native(8 * replicas).buffer);
    await api.callAsync('PJRT_LoadedExecutable_Execute', {
      executable: this.handle,
      options: api.struct('PJRT_ExecuteOptions'),
      argument_lists: this.pointers(lists),
      num_devices: replicas,
      num_args: inputs[0]!.length,
      output_lists: this.pointers(made),
      device_complete_events: bytesOf(events),
    });
    const done = Promise.all([...events].map((event) => api.settle(event))).then(() => {});
    done.catch(() => {}); // whoever awaits it gets the error
    return { outputs: made.map((list) => [...list.subarray(0, this.outputs)]), done };
  }

  /** What it takes to run; undefined where the plugin does not tell. */
  memory(): MemoryNeed | undefined {
    return this.inspect((executable) => {
      try {
        const stats = this.api.call('PJRT_Executable_GetCompiledMemoryStats', { executable });
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

  /** The compiled program, for this version of the plugin and this kind of device. Throws XlaError where it cannot. */
  serialize(): Uint8Array {
    const { api } = this;
    return this.inspect((executable) => {
      const made = api.call('PJRT_Executable_Serialize', { executable });
      const bytes = api.copy(made, 'serialized_bytes');
      api.free(made.big('serialized_executable_deleter'), made.big('serialized_executable'));
      return bytes;
    });
  }

  destroy(): void {
    this.api.call('PJRT_LoadedExecutable_Destroy', { executable: this.handle });
    this.api.live.executables--;
  }

  /** The program behind the loaded one is a second object, to be destroyed. */
  private inspect<T>(look: (executable: Address) => T): T {
    const { api } = this;
    const executable = api
      .call('PJRT_LoadedExecutable_GetExecutable', { loaded_executable: this.handle })
      .big('executable');
    try {
      return look(executable);
    } finally {
      api.call('PJRT_Executable_Destroy', { executable });
    }
  }

  /** An array of pointers; it keeps what it points to. */
  private pointers(arrays: readonly BigUint64Array[]): Uint8Array {
    const { koffi } = this.api;
    const pointers = bytesOf(BigUint64Array.from(arrays, (array) => koffi.address(bytesOf(array))));
    return Object.assign(pointers, { held: arrays });
  }
}

function bytesOf(array: BigUint64Array): Uint8Array {
  return new Uint8Array(array.buffer);
}
