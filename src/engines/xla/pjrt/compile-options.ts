import { encodeMessage, type Fields } from '../../../protobuf/wire.ts';

// The subset of XLA's schema for compilation (xla/pjrt/proto/compile_options.proto).
const assignmentFields: Fields = {
  replicas: [1, 'int'],
  computations: [2, 'int'],
  devices: [3, { replicaDevices: [1, 'ints'] }],
};
const buildFields: Fields = {
  deviceOrdinal: [1, 'int'],
  replicas: [4, 'int'],
  partitions: [5, 'int'],
  assignment: [9, assignmentFields],
};
/** A oneof: its member is always written, even if it is 0 or false. */
const flagFields: Fields = {
  text: [1, 'string', 'always'],
  flag: [2, 'bool', 'always'],
  whole: [3, 'int', 'always'],
  number: [4, 'double', 'always'],
};
const optionFields: Fields = {
  buildOptions: [3, buildFields],
  flags: [7, { key: [1, 'string', 'always'], value: [2, flagFields] }], // a map
};

export interface CompileOptions {
  /** Ids of the devices that run replicas of the program. */
  readonly devices: readonly number[];
  /** XLA flags of this program, such as `xla_gpu_deterministic_ops`. */
  readonly flags?: Readonly<Record<string, boolean | number | string>> | undefined;
}

/** The options in PJRT's format. */
export function encodeOptions({ devices, flags = {} }: CompileOptions): Uint8Array {
  const assignment = { replicas: devices.length, computations: 1, devices: [{ replicaDevices: devices }] };
  const buildOptions = { deviceOrdinal: -1, replicas: devices.length, partitions: 1, assignment };
  const entries = Object.entries(flags).map(([key, value]) => ({ key, value: flagValue(value) }));
  return encodeMessage(optionFields, { buildOptions, flags: entries });
}

function flagValue(value: boolean | number | string): object {
  if (typeof value === 'string') return { text: value };
  if (typeof value === 'boolean') return { flag: value };
  return Number.isSafeInteger(value) ? { whole: value } : { number: value };
}
