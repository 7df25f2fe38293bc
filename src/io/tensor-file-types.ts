import type { Dtype, NamedTensor } from './dtypes.ts';

/** A setting that a file holds beside its tensors. */
export type Setting = string | number | boolean;

/** What a file of tensors says about itself; the tensors' values are read when they are asked for. */
export interface TensorFile {
  readonly path: string;
  readonly format: 'safetensors' | 'PyTorch';
  /** By their names, in the order of the file. */
  readonly tensors: ReadonlyMap<string, { readonly dtype: Dtype; readonly shape: readonly number[] }>;
  /** Texts that a safetensors file holds. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Options of the script that wrote a PyTorch file. */
  readonly settings: Readonly<Record<string, Setting>>;
  /** What the file holds beside those tensors and settings, and is not used. */
  readonly others: readonly string[];
  /** What a person should know of the choice of these tensors, a sentence each. */
  readonly notes: readonly string[];
  /** Reads tensors straight from the file into arrays, in row-major order. Throws FileFormatError for an unknown name. */
  read(names: readonly string[]): Promise<Map<string, NamedTensor>>;
}
