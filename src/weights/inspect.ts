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
  /** `optimizer`: moments and averages of weights; `other`: not part of the model. */
  readonly part: Part | 'optimizer' | 'other';
  readonly tensors: number;
  readonly values: number;
  readonly bytes: number;
}

export interface Inspection {
  /** The file. */
  readonly path: string;
  readonly format: TensorFile['format'];
  /** The model in the file and the report on its tensors; absent if `refusal` is set. */
  readonly model?: ModelDescription;
  readonly refusal?: string;
  readonly parts: readonly PartSummary[];
  readonly tensors: TensorFile['tensors'];
}

const PARTS = ['encoder', 'decoder', 'head', 'optimizer', 'other'] as const;

/**
 * Reports the content of a file of tensors, of a run's folder or of another folder for `openModel`, without reading
 * data except for positions. Throws FileFormatError for a file that cannot be read, RunError for a folder without a
 * model, or the system's error.
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
