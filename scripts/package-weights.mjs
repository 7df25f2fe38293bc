// node scripts/package-weights.mjs RUN PROBE FOLDER
//
// Writes the weights of a pre-training, encoder and decoder, with the head of its linear probe, in 16 bits: FOLDER/model.safetensors.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeSafetensors } from '../dist/io/safetensors-codec.js';
import { openTensorFile } from '../dist/io/tensor-file.js';
import { findModelFile } from '../dist/weights/find.js';
import { openModel } from '../dist/weights/model.js';

const [run, probe, folder] = process.argv.slice(2);
const [model, judged] = [await openModel(run), await openModel(probe)];
for (const [name, values] of Object.entries(judged.weights))
  if (name in model.weights && !values.every((value, i) => value === model.weights[name][i]))
    throw new Error(`the probe must be of the same weights, got other values of ${name}`);

const { metadata } = await openTensorFile(await findModelFile(run));
// Runs on any machine, not only where the engine of the training runs.
const config = JSON.stringify({ ...JSON.parse(metadata.config), engine: { name: 'auto' } });
const heads = ['head.weight', 'head.bias'].map((name) => [name, judged.weights[name]]);
const shapes = new Map(
  [...model.report.tensors, ...judged.report.tensors].map(({ tensor, shape }) => [tensor, shape]),
);
const tensors = new Map(
  [...Object.entries(model.weights), ...heads].map(([name, values]) => [
    name,
    { dtype: 'F16', shape: shapes.get(name), data: Uint16Array.from(values, halfOf) },
  ]),
);
mkdirSync(folder, { recursive: true });
const bytes = Buffer.concat(
  encodeSafetensors(tensors, { ...metadata, config, classes: JSON.stringify(judged.classes) }).map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  ),
);
writeFileSync(join(folder, 'model.safetensors'), bytes);
console.log(`${join(folder, 'model.safetensors')}: ${bytes.length} bytes`);

/** The bits of the nearest half-precision number; ties go to the even one. */
function halfOf(value) {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (!(size < 65520)) throw new Error(`a weight must fit in 16 bits, got ${value}`);
  const exponent = size < 2 ** -14 ? -14 : Math.floor(Math.log2(size));
  const steps = size / 2 ** (exponent - 10);
  const below = Math.floor(steps);
  const rest = steps - below;
  const rounded = below + (rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? 1 : 0);
  // A carry into the next power of two gives its bits too.
  return sign | (size < 2 ** -14 ? rounded : ((exponent + 15) << 10) + rounded - 1024);
}
