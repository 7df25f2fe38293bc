import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '../../engines/engine.ts';
import { loadRuntime } from '../../engines/onnx/runtime.ts';
import { sizeOf, type TensorData, type Values } from '../../graph/index.ts';
import { rng } from '../../random/rng.ts';
import type { Model } from '../model.ts';
import { exportProgram } from './onnx.ts';
import { ExportError, type Part } from './part.ts';

/** Batch sizes for the check. */
const BATCHES = [1, 3];
const TOLERANCE = 1e-4;
/** Share of pixels whose class may be another one: two scores may be equal but for rounding. */
const OTHERS = 0.01;

/** Result of the comparison of an exported model. */
export interface OnnxCheck {
  readonly batches: readonly number[];
  /** Largest difference of an output value, relative to the output's largest value, or to 1 if that is smaller. Of a detector: of
   * scores, and of coordinates relative to the longer side, over the objects that are the model's. */
  readonly difference: number;
  /** Names of the runtime of the file and of the engine of the model. */
  readonly runtime: string;
  readonly engine: string;
  /** Of a detector: objects that were compared, those of all pictures, and how many of them are others than the model's. */
  readonly objects?: { readonly count: number; readonly others: number };
}

/**
 * Runs `onnx/model.onnx` of a folder and the model on noise, in batches of two sizes, and compares all outputs.
 * Throws ExportError if they differ by more than 1e-4.
 */
export async function verifyOnnx(
  model: Model,
  part: Part,
  folder: string,
  engine: Engine,
): Promise<OnnxCheck> {
  const { channels, image } = model.encoder;
  const shape = [channels, ...image];
  const noise = rng(0, 'verify-onnx');
  const count = BATCHES.reduce((sum, batch) => sum + batch);
  const input = part === 'segmenter' ? 'pixels' : 'pixel_values';
  const draw = part === 'segmenter' ? () => noise.int(256) : () => noise.normal();
  const pixels = Float32Array.from({ length: count * sizeOf(shape) }, draw);
  const truth = await onEngine(model, part, engine, { [input]: pixels }, count);
  const { ort, native, version } = await loadRuntime(1);
  const session = await ort.InferenceSession.create(await source(folder, native));
  let difference = 0;
  let first = 0;
  for (const batch of BATCHES) {
    const some = pixels.subarray(first * sizeOf(shape), (first + batch) * sizeOf(shape));
    const results = await session.run({ [input]: new ort.Tensor('float32', some, [batch, ...shape]) });
    for (const [name, all] of Object.entries(truth)) {
      const width = all.length / count;
      const expected = all.subarray(first * width, (first + batch) * width);
      const got = results[name]?.data as typeof expected | undefined;
      const isClasses = expected instanceof Uint8Array;
      const apart = isClasses ? shareOfOthers(got, expected) : relativeDifference(got, expected);
      if (!isClasses) difference = Math.max(difference, apart);
      const most = isClasses ? OTHERS : TOLERANCE;
      if (!(apart <= most))
        throw new ExportError(
          `the exported model must give the outputs of the model within ${most}, got a difference of ${apart} in ${name} for a batch of ${batch}`,
        );
    }
    first += batch;
  }
  await session.release();
  const runtime = `onnxruntime ${version} (${native ? 'native' : 'WebAssembly'})`;
  return { batches: BATCHES, difference, runtime, engine: engine.description };
}

async function onEngine(
  model: Model,
  part: Part,
  engine: Engine,
  inputs: Values,
  count: number,
): Promise<Values> {
  const session = await engine.open(model.weights as Values);
  try {
    return await session.run(exportProgram(model, part, count), inputs);
  } finally {
    await session.dispose();
  }
}

/** NaN if lengths differ. */
function shareOfOthers(got: TensorData | undefined, expected: TensorData): number {
  if (got?.length !== expected.length) return Number.NaN;
  let count = 0;
  for (const [i, value] of expected.entries()) if (value !== got[i]) count++;
  return count / expected.length;
}

/** NaN if lengths differ or a value is not finite. */
function relativeDifference(got: TensorData | undefined, expected: TensorData): number {
  if (got?.length !== expected.length) return Number.NaN;
  let [apart, largest] = [0, 1];
  for (const [i, value] of expected.entries()) {
    // Math.max propagates NaN.
    apart = Math.max(apart, Math.abs(got[i]! - value));
    largest = Math.max(largest, Math.abs(value));
  }
  return apart / largest;
}

/** The file's path for the native runtime, its bytes for WebAssembly, which cannot read files. */
export async function source(folder: string, native: boolean): Promise<string> {
  const path = join(folder, 'onnx', 'model.onnx');
  return native ? path : ((await readFile(path)) as unknown as string);
}
