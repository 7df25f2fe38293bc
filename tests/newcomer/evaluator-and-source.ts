// Images of my own, made in memory, and a measurement of my own after each epoch.
import { finetune, type Parts, pretrain } from 'beyond-masking';
import type { SourceScheme } from 'beyond-masking/data';
import type { RunEvaluator } from 'beyond-masking/evaluate';
import { readMetrics } from 'beyond-masking/weights';

const squares: SourceScheme = {
  scheme: 'squares',
  argument: 'N',
  help: 'N grey squares, dark and bright',
  example: 'squares:9',
  labelled: true,
  absolute: (count) => count,
  open: async (count) => ({
    name: `${count} squares`,
    length: Number(count),
    contentKey: `squares-${count}`,
    labels: Int32Array.from({ length: Number(count) }, (_, i) => i % 2),
    classes: ['dark', 'bright'],
    id: (i) => `square ${i}`,
    image: (i) => ({
      width: 10,
      height: 10,
      channels: 3,
      data: Uint8Array.from({ length: 300 }, (_, k) => (i % 2 ? 200 : 10) + ((k * (i + 1)) % 50)),
    }),
  }),
};

const images: string[] = [];
const norm: RunEvaluator = {
  name: 'norm',
  async *run(_session, { signal }, { features, train, heldOut }) {
    const held = await features(heldOut!);
    signal?.throwIfAborted();
    images.push(`${train.name}: ${held.indices.length}`);
    yield ['featureNorm', Math.sqrt(held.features.reduce((sum, x) => sum + x * x, 0))];
  },
};

const parts: Parts = { sources: [squares], evaluators: [norm] };
const encoder = { image: [8, 8] as [number, number], patch: 4, width: 8, depth: 1, heads: 2 };
const training = { epochs: 2, batchSize: 4, warmupEpochs: 0 };
const engine = { name: 'reference' as const };
const data = { source: 'squares:16', heldOut: 0.25 };
const trained = await pretrain(
  {
    data,
    model: { ...encoder, decoder: { width: 8, depth: 1, heads: 2 } },
    task: { name: 'masked' },
    training,
    engine,
  },
  { output: 'runs/squares', parts },
);
const tuned = await finetune(
  { data: { ...data, randAugment: '' }, model: encoder, training, engine, from: 'runs/squares' },
  { output: 'runs/tuned', parts },
);
for (const { folder } of [trained, tuned])
  console.log(
    (await readMetrics(folder)).flatMap(({ featureNorm }) =>
      typeof featureNorm === 'number' ? [featureNorm > 0] : [],
    ),
  );
console.log(images.length);
