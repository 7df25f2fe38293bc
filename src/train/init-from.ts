import { sizeOf, type Values } from '../graph/index.ts';
import { type NamedTensor, toFloat32 } from '../io/dtypes.ts';
import { readSafetensors } from '../io/safetensors.ts';
import type { ParameterSpec } from '../nn/parameters.ts';
import { RunError } from './error.ts';

/** What became of the weights of a file. */
export interface InitReport {
  readonly loaded: readonly string[];
  /** Weights of the model that the file lacks: they keep their random start. */
  readonly missing: readonly string[];
  /** Weights whose shape differs, with both shapes. */
  readonly mismatched: readonly string[];
  /** Tensors of the file that the model has no place for; optimizer slots are not counted. */
  readonly unused: readonly string[];
}

/**
 * Copies weights, and nothing else, from a safetensors file into `state` wherever name and shape agree; fixed
 * position tables stay the model's own. Throws RunError when no weight fits, FileFormatError for a broken file.
 */
export async function initFrom(
  path: string,
  state: Values,
  specs: readonly ParameterSpec[],
): Promise<InitReport> {
  const { tensors } = await readSafetensors(path);
  const report = { loaded: [] as string[], missing: [] as string[], mismatched: [] as string[] };
  for (const { name, shape, trained } of specs) {
    if (!trained) continue;
    const tensor = tensors.get(name);
    if (!tensor) report.missing.push(name);
    else if (!fits(tensor, shape))
      report.mismatched.push(`${name} (the model's [${shape}], the file's [${tensor.shape}])`);
    else {
      (state[name] as Float32Array).set(toFloat32(tensor));
      report.loaded.push(name);
    }
  }
  if (report.loaded.length === 0)
    throw new RunError(
      `${path} must hold weights of the model, got ${tensors.size} tensors of other names or shapes`,
    );
  const known = new Set(specs.map(({ name }) => name));
  const unused = [...tensors.keys()].filter((name) => !known.has(name) && !name.includes(':'));
  return { ...report, unused };
}

function fits({ shape }: NamedTensor, wanted: readonly number[]): boolean {
  return (
    shape.length === wanted.length &&
    sizeOf(shape) === sizeOf(wanted) &&
    shape.every((n, i) => n === wanted[i])
  );
}

/** The report in a few lines, long lists cut short. */
export function describeInit(path: string, { loaded, missing, mismatched, unused }: InitReport): string {
  const list = (names: readonly string[]) =>
    `${names.slice(0, 5).join(', ')}${names.length > 5 ? `, … (${names.length} in all)` : ''}`;
  return [
    `${loaded.length} weights loaded from ${path}`,
    missing.length ? `not in the file, random: ${list(missing)}` : '',
    mismatched.length ? `other shape, random: ${list(mismatched)}` : '',
    unused.length ? `in the file, not used: ${list(unused)}` : '',
  ]
    .filter(Boolean)
    .join('\n');
}
