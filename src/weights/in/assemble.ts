import { elementCount, type NamedTensor, toFloat32 } from '../../io/dtypes.ts';
import { FileFormatError } from '../../io/file-format-error.ts';
import type { TensorFile } from '../../io/tensor-file-types.ts';
import type { TensorFate } from '../report.ts';
import type { Naming, Slot } from './naming.ts';

/** A tensor of the file that becomes a model tensor, or a third of one. */
interface Piece {
  readonly tensor: string;
  readonly slot?: Slot;
}

/** A file's weights by this project's names: whole tensors, or queries, keys and values that are joined. */
export interface Renamed {
  readonly pieces: ReadonlyMap<string, readonly Piece[]>;
  /** Shapes by this project's names; joined tensors with all three parts. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Result for each tensor so far: taken, or ignored by the table. */
  readonly fates: ReadonlyMap<string, TensorFate>;
}

const slots: readonly Slot[] = ['query', 'key', 'value'];

/** Renames a file's tensors. Throws FileFormatError if the table refuses one, and if two get the same name. */
export function renameAll(file: TensorFile, { table, plain, prefix }: Naming): Renamed {
  const pieces = new Map<string, Piece[]>();
  const fates = new Map<string, TensorFate>();
  const names = new Set([...plain.values()].filter((name) => name !== undefined));
  const rules = [...(table.before?.(names) ?? []), ...table.rules];
  for (const [tensor, { dtype, shape }] of file.tensors) {
    const theirs = plain.get(tensor);
    if (theirs === undefined) {
      fates.set(tensor, { tensor, dtype, shape, fate: 'ignored', reason: `not under ${prefix}` });
      continue;
    }
    const rule = rules.find(({ match }) => match.test(theirs));
    if (!rule || 'refuse' in rule)
      throw new FileFormatError(
        file.path,
        `models here are plain Vision Transformers, without ${rule?.refuse ?? 'other layers'}`,
        tensor,
      );
    if ('ignore' in rule) {
      fates.set(tensor, { tensor, dtype, shape, fate: 'ignored', reason: rule.ignore });
      continue;
    }
    const name = theirs.replace(rule.match, rule.to);
    const already = pieces.get(name) ?? [];
    if (already.some(({ slot }) => slot === rule.slot || !slot || !rule.slot))
      throw new FileFormatError(file.path, `only one tensor may become ${name}`, tensor);
    pieces.set(name, [...already, { tensor, ...(rule.slot && { slot: rule.slot }) }]);
    fates.set(tensor, { tensor, dtype, shape, fate: name === tensor ? 'loaded' : 'renamed', name });
  }
  const shapes = new Map([...pieces].map(([name, parts]) => [name, joinedShape(file, name, parts)]));
  return { pieces, shapes, fates };
}

/** Shape of a tensor, or of three tensors that are concatenated by rows. */
function joinedShape(file: TensorFile, name: string, pieces: readonly Piece[]): readonly number[] {
  const shapes = pieces.map(({ tensor }) => file.tensors.get(tensor)!.shape);
  const [first] = shapes as [readonly number[]];
  if (!pieces[0]!.slot) return first;
  if (name.endsWith('.weight') && pieces.length < slots.length)
    throw new FileFormatError(
      file.path,
      `${name} is made of queries, keys and values`,
      pieces.map(({ slot }) => slot).join(),
    );
  if (first.length === 0 || shapes.some((shape) => String(shape) !== String(first)))
    throw new FileFormatError(file.path, `parts of ${name} must have one shape`, JSON.stringify(shapes));
  return [first[0]! * slots.length, ...first.slice(1)];
}

/**
 * Reads the weights `names` as float32. Missing parts become zeros (biases of keys). Throws FileFormatError for
 * tensors that are not floating-point numbers.
 */
export async function readRenamed(
  file: TensorFile,
  { pieces, shapes }: Renamed,
  names: readonly string[],
): Promise<Record<string, Float32Array>> {
  const weights: Record<string, Float32Array> = {};
  const whole = names.filter((name) => !pieces.get(name)![0]!.slot);
  const tensors = await file.read(whole.map((name) => pieces.get(name)![0]!.tensor));
  for (const name of whole) {
    const { tensor } = pieces.get(name)![0]!;
    weights[name] = floats(file, tensor, tensors.get(tensor)!);
    tensors.delete(tensor); // frees the half-precision copy
  }
  for (const name of names.filter((each) => !weights[each])) {
    const parts = await file.read(pieces.get(name)!.map(({ tensor }) => tensor));
    const joined = new Float32Array(elementCount(shapes.get(name)!));
    for (const { tensor, slot } of pieces.get(name)!) {
      const data = floats(file, tensor, parts.get(tensor)!);
      joined.set(data, slots.indexOf(slot!) * data.length);
    }
    weights[name] = joined;
  }
  return weights;
}

/** The file's tensors that `weights` contains, in the file's order, as float32. */
export function* tensorsOf(
  file: TensorFile,
  { pieces, fates }: Renamed,
  weights: Readonly<Record<string, Float32Array>>,
): Generator<[tensor: string, values: Float32Array]> {
  for (const tensor of file.tensors.keys()) {
    const name = fates.get(tensor)?.name;
    const values = name === undefined ? undefined : weights[name];
    if (!values) continue;
    const slot = pieces.get(name!)!.find((piece) => piece.tensor === tensor)?.slot;
    const size = values.length / slots.length;
    const at = slot ? slots.indexOf(slot) * size : 0;
    yield [tensor, slot ? values.subarray(at, at + size) : values];
  }
}

function floats(file: TensorFile, name: string, tensor: NamedTensor): Float32Array {
  if (/^B?F\d+$/.test(tensor.dtype)) return toFloat32(tensor);
  throw new FileFormatError(file.path, `tensor ${name} must hold floating-point numbers`, tensor.dtype);
}
