import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { normals, seed } from '../../../tests/support/random.ts';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { randomWeights, tiny } from '../../../tests/support/tiny.ts';
import { exportGraph } from '../../engines/onnx/export.ts';
import { loadRuntime } from '../../engines/onnx/runtime.ts';
import { evaluateProgram } from '../../engines/reference/evaluate.ts';
import { sizeOf, type Values } from '../../graph/index.ts';
import { rng } from '../../random/rng.ts';
import type { Model } from '../model.ts';
import { exportProgram, writeOnnx } from './onnx.ts';

const random = rng(seed);
const encoder = { ...tiny, classToken: true };
const weights = randomWeights(encoder, random);
const model = { encoder, decoder: encoder, weights } as unknown as Model;
const folder = temporaryFolder();
const graph = exportGraph((batch) => exportProgram(model, 'features', batch), weights);

describe(`ONNX files (SEED=${seed})`, () => {
  it.each(['native', 'WebAssembly'])('run on the %s onnxruntime, in batches of any size', async (kind) => {
    const at = join(folder, kind);
    await mkdir(at);
    expect(await writeOnnx(at, graph)).toBe(false);
    await expectFeatures(kind === 'native', await readFile(join(at, 'model.onnx')));
  });

  it('have large weights in a second file', async () => {
    const at = join(folder, 'large');
    await mkdir(at);
    expect(await writeOnnx(at, graph, 5000)).toBe(true);
    expect(await readdir(at)).toEqual(['model.onnx', 'model.onnx_data']);
    const bytes = Object.values(weights).filter(({ byteLength }) => byteLength >= 1024);
    const total = bytes.reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect((await stat(join(at, 'model.onnx_data'))).size).toBeLessThanOrEqual(total);
    await expectFeatures(true, join(at, 'model.onnx'));
  });
});

async function expectFeatures(native: boolean, file: string | Uint8Array): Promise<void> {
  const { ort } = await loadRuntime(1, native);
  const session = await ort.InferenceSession.create(file as string);
  for (const batch of [1, 4]) {
    const shape = [batch, encoder.channels, ...encoder.image];
    const pixels = normals(random, sizeOf(shape));
    const got = await session.run({ pixel_values: new ort.Tensor('float32', pixels, shape) });
    const expected = evaluateProgram(exportProgram(model, 'features', batch), {
      ...weights,
      pixel_values: pixels,
    } as Values);
    expect(Object.keys(got)).toEqual(['last_hidden_state', 'pooler_output']);
    for (const [name, truth] of Object.entries(expected)) {
      const data = got[name]!.data as Float32Array;
      expect(data.length).toBe(truth.length);
      for (const [i, value] of data.entries()) expect(Math.abs(value - truth[i]!)).toBeLessThan(1e-4);
    }
  }
}
