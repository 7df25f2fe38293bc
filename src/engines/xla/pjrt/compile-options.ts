import protobuf from 'protobufjs/light.js';

/** The part of XLA's schema that compiling takes (xla/pjrt/proto/compile_options.proto). */
const schema = {
  nested: {
    CompileOptions: {
      fields: {
        buildOptions: { type: 'BuildOptions', id: 3 },
        flags: { keyType: 'string', type: 'Flag', id: 7 },
      },
    },
    BuildOptions: {
      fields: {
        deviceOrdinal: { type: 'int64', id: 1 },
        replicas: { type: 'int64', id: 4 },
        partitions: { type: 'int64', id: 5 },
        assignment: { type: 'DeviceAssignment', id: 9 },
      },
    },
    DeviceAssignment: {
      fields: {
        replicas: { type: 'int32', id: 1 },
        computations: { type: 'int32', id: 2 },
        devices: { rule: 'repeated', type: 'ComputationDevice', id: 3 },
      },
    },
    ComputationDevice: { fields: { replicaDevices: { rule: 'repeated', type: 'int64', id: 1 } } },
    Flag: {
      // One of them is always sent, also where it is 0 or false.
      oneofs: { value: { oneof: ['text', 'flag', 'whole', 'number'] } },
      fields: {
        text: { type: 'string', id: 1 },
        flag: { type: 'bool', id: 2 },
        whole: { type: 'int64', id: 3 },
        number: { type: 'double', id: 4 },
      },
    },
  },
};

const message = protobuf.Root.fromJSON(schema).lookupType('CompileOptions');

export interface CompileOptions {
  /** Devices that run replicas of the program, by id. */
  readonly devices: readonly number[];
  /** Flags of XLA for this program, such as `xla_gpu_deterministic_ops`. */
  readonly flags?: Readonly<Record<string, boolean | number | string>> | undefined;
}

/** The options as PJRT takes them. */
export function encodeOptions({ devices, flags = {} }: CompileOptions): Uint8Array {
  const entries = Object.entries(flags).map(([name, value]) => {
    if (typeof value === 'string') return [name, { text: value }];
    if (typeof value === 'boolean') return [name, { flag: value }];
    return [name, Number.isInteger(value) ? { whole: value } : { number: value }];
  });
  const assignment = { replicas: devices.length, computations: 1, devices: [{ replicaDevices: devices }] };
  const buildOptions = { deviceOrdinal: -1, replicas: devices.length, partitions: 1, assignment };
  return message.encode(message.fromObject({ buildOptions, flags: Object.fromEntries(entries) })).finish();
}
