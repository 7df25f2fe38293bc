import { DTYPES, elementCount } from '../io/dtypes.ts';
import { FileFormatError } from '../io/file-format-error.ts';
import { openTensorFile } from '../io/tensor-file.ts';
import type { TensorFile } from '../io/tensor-file-types.ts';
import type { Part } from '../nn/parameters.ts';
import { findModelFile } from './find.ts';
import type { ForeignOptions } from './in/foreign.ts';
import { type ModelDescription, understand } from './model.ts';
import { modelParameters } from './parameters.ts';

export interface PartSummary {
  /** `optimizer`: moments and averages of weights; `other`: what the model here has no place for. */
  readonly part: Part | 'optimizer' | 'other';
  readonly tensors: number;
  readonly values: number;
  readonly bytes: number;
}

export interface Inspection {
  /** The file. */
  readonly path: string;
  readonly format: TensorFile['format'];
  /** What model it holds, and the account of its tensors; absent where `refusal` tells why it cannot be used. */
  readonly model?: ModelDescription;
  readonly refusal?: string;
  readonly parts: readonly PartSummary[];
  readonly tensors: TensorFile['tensors'];
}

const PARTS = ['encoder', 'decoder', 'head', 'optimizer', 'other'] as const;

/**
 * Says what a file of tensors holds, a run's folder or another that `openModel` knows, without reading its data but for
 * positions. Throws FileFormatError for a file that cannot be read, RunError for a folder without a model, or the system's
 * error.
 */
export async function inspectModel(path: string, options: ForeignOptions = {}): Promise<Inspection> {
  const file = await openTensorFile(await findModelFile(path));
  const found = await understand(file, options).then(
    ({ description }) => ({ model: description }),
    (error) => {
      if (error instanceof FileFormatError) return { refusal: error.message.replace(`${file.path}: `, '') };
      throw error;
    },
  );
  const model = 'model' in found ? found.model : undefined;
  const parts = PARTS.map((part) => summarise(part, file, model)).filter(({ tensors }) => tensors > 0);
  return { path: file.path, format: file.format, ...found, parts, tensors: file.tensors };
}

function summarise(
  part: PartSummary['part'],
  { tensors }: TensorFile,
  model: ModelDescription | undefined,
): PartSummary {
  const names = new Map(model?.report.tensors.map(({ tensor, name }) => [tensor, name]));
  const parts = new Map(model && modelParameters(model).map(({ name, part }) => [name, part]));
  const belongs = (tensor: string) =>
    tensor.includes(':') ? 'optimizer' : (parts.get(names.get(tensor) ?? '') ?? 'other');
  const own = [...tensors].filter(([tensor]) => belongs(tensor) === part).map(([, info]) => info);
  const total = (measure: (info: (typeof own)[number]) => number) =>
    own.reduce((sum, info) => sum + measure(info), 0);
  return {
    part,
    tensors: own.length,
    values: total(({ shape }) => elementCount(shape)),
    bytes: total(({ shape, dtype }) => elementCount(shape) * DTYPES[dtype].bytes),
  };
}
