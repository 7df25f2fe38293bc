import type { Dtype, NamedTensor } from './dtypes.ts';

/** An option in a file. */
export type Setting = string | number | boolean;

/** A file of tensors. Their values are read on request. */
export interface TensorFile {
  readonly path: string;
  readonly format: 'safetensors' | 'PyTorch';
  /** By name, in the order of the file. */
  readonly tensors: ReadonlyMap<string, { readonly dtype: Dtype; readonly shape: readonly number[] }>;
  /** Metadata of a safetensors file. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Options of the script that wrote a PyTorch file. */
  readonly settings: Readonly<Record<string, Setting>>;
  /** Unused contents of the file. */
  readonly others: readonly string[];
  /** Notes for the user about the choice of these tensors, one sentence each. */
  readonly notes: readonly string[];
  /** Reads tensors into arrays, in row-major order. Throws FileFormatError for an unknown name. */
  read(names: readonly string[]): Promise<Map<string, NamedTensor>>;
}
