import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../src/engines/engine.ts';
import { openOneDnnEngine } from '../src/engines/onednn/engine.ts';
import { openOnnxEngine } from '../src/engines/onnx/engine.ts';
import { referenceEngine } from '../src/engines/reference/engine.ts';
import {
  attention,
  crossEntropy,
  gelu,
  grad,
  input,
  layerNorm,
  meanAll,
  mul,
  program,
  softmax,
  sumAll,
  type Tensor,
} from '../src/graph/index.ts';
import { type NamedTensor, toFloat32 } from '../src/io/dtypes.ts';
import { readSafetensors } from '../src/io/safetensors.ts';
import { mixedTargets } from '../src/programs/mix.ts';
import { isMissing, oneDnnFolder } from './support/libraries.ts';
import { relativeError } from './support/task-fixture.ts';

const path = fileURLToPath(new URL('fixtures/pieces.safetensors', import.meta.url));

const pieces: Record<string, { inputs: readonly string[]; build: (...inputs: Tensor[]) => Tensor }> = {
  layer_norm: {
    inputs: ['x', 'weight', 'bias'],
    build: (x, weight, bias) => layerNorm(x!, weight!, bias!, 1e-6),
  },
  gelu: { inputs: ['x'], build: (x) => gelu(x!) },
  softmax: { inputs: ['x'], build: (x) => softmax(x!) },
  attention: { inputs: ['q', 'k', 'v'], build: (q, k, v) => attention(q!, k!, v!) },
};

const engines: Record<string, { open: () => Promise<Engine>; tolerance: number }> = {
  reference: { open: async () => referenceEngine, tolerance: 1e-6 },
  onnx: { open: () => openOnnxEngine(), tolerance: 1e-5 },
  onednn: { open: () => openOneDnnEngine({ folder: oneDnnFolder }), tolerance: 1e-5 },
};

for (const [name, { open, tolerance }] of Object.entries(engines))
  describe.skipIf(isMissing(name))(`composites and their gradients equal PyTorch on ${name}`, () => {
    let engine: Engine;
    let tensors: Map<string, NamedTensor>;
    beforeAll(async () => {
      engine = await open();
      tensors = (await readSafetensors(path)).tensors;
    });

    it.each(Object.keys(pieces))('%s', async (piece) => {
      const { inputs, build } = pieces[piece]!;
      const named = (name: string) => tensors.get(`${piece}.${name}`)!;
      const declare = (name: string) => input(name, named(name).shape);
      const sources = inputs.map(declare);
      const y = build(...sources);
      const gradients = grad(sumAll(mul(y, declare('dy'))), sources);
      const outputs = Object.fromEntries(inputs.map((name, i) => [`d${name}`, gradients[i]!]));
      const session = await engine.open({});
      const values = Object.fromEntries([...inputs, 'dy'].map((name) => [name, toFloat32(named(name))]));
      const got = await session.run(program(piece, { y, ...outputs }), values);
      await session.dispose();
      for (const [name, values] of Object.entries(got))
        expect(relativeError(values, toFloat32(named(name))), name).toBeLessThan(tolerance);
    });

    it.each(['plain', 'smooth', 'soft'])('cross-entropy, %s targets', async (kind) => {
      const { metadata } = await readSafetensors(path);
      const { loss, smoothing } = JSON.parse(metadata.cross_entropy!)[kind];
      const logits = tensors.get('cross_entropy.logits')!;
      const [rows, classes] = logits.shape as [number, number];
      const labels = tensors.get('cross_entropy.labels')!.data as Int32Array;
      const targets =
        kind === 'soft'
          ? toFloat32(tensors.get('cross_entropy.soft')!)
          : mixedTargets(labels, classes, new Float32Array(rows).fill(1), smoothing);
      const x = input('logits', [rows, classes]);
      const y = meanAll(crossEntropy(x, input('targets', [rows, classes])));
      const session = await engine.open({});
      const [dx] = grad(y, [x]);
      const got = await session.run(program('cross-entropy', { y, dx: dx! }), {
        logits: toFloat32(logits),
        targets,
      });
      await session.dispose();
      expect(relativeError(got.y!, [loss])).toBeLessThan(tolerance);
      const expected = toFloat32(tensors.get(`cross_entropy.${kind}.dlogits`)!);
      expect(relativeError(got.dx!, expected)).toBeLessThan(tolerance);
    });
  });
