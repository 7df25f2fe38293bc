import { expect, it } from 'vitest';
import { programFlops } from '../graph/flops.ts';
import { input, program } from '../graph/index.ts';
import { autoencoderParameters } from '../models/autoencoder.ts';
import { classifierParameters, classify } from '../models/classifier.ts';
import { detectorPrograms } from '../programs/detect.ts';
import { weightInputs } from '../programs/pretrain.ts';
import { taskGraph } from '../programs/task-graph.ts';
import { drawInputs } from '../tasks/draws.ts';
import { taskOf } from '../tasks/table.ts';
import { detectFlops, finetuneFlops, stepFlops, trainingBytes } from './cost.ts';
import { detectorConfig, parseDetectConfig } from './detect-schema.ts';
import { parseFinetuneConfig } from './finetune-schema.ts';
import { mergeSettings } from './merge.ts';
import { type ConfigInput, parseConfig } from './schema.ts';

it.each([false, true])('finetuneFlops counts the products of the graph, class token: %s', (classToken) => {
  const config = parseFinetuneConfig({
    model: { image: [16, 24], patch: 4, width: 20, depth: 3, heads: 5, mlpRatio: 3, classToken },
  });
  const model = { ...config.model, classes: 7 };
  const shapes = new Map(classifierParameters(model).map(({ name, shape }) => [name, shape]));
  const weights = (name: string) => input(name, shapes.get(name)!);
  const batch = 2;
  const logits = classify(model, weights, input('image', [batch, 3, 16, 24]));
  const forward = programFlops(program('classify', { logits }));
  expect(finetuneFlops(config, 7) * batch).toBe(3 * forward);
});

// Beside the model's products there are those of the reading of boxes by matrices, of the smaller of its two orders, and of relative positions with tables.
it.each([
  ['all patches', {}],
  ['windows', { window: 3, globalBlocks: [1] }],
  ['windows at the edges, decomposed positions', { window: 5, relativePositions: true }],
  ['a class token, no masks', { window: 0, classToken: true, head: { scales: [2, 1], masks: false } }],
])('detectFlops counts the products of the graph: %s', (_, change) => {
  const size = { image: [48, 64], patch: 4, width: 64, depth: 4, heads: 2, mlpRatio: 3, window: 0 };
  const config = parseDetectConfig(
    mergeSettings(
      {
        model: { ...size, head: { scales: [4, 2, 1, 0.5], channels: 24, convolutions: 2, hidden: 40 } },
        training: { rois: 12 },
      },
      { model: change },
    ),
  );
  const model = detectorConfig(config, 5);
  const batch = 2;
  const { gradients } = detectorPrograms({
    ...{ model, batch, rois: 12, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] },
    training: { weightDecay: 0, layerDecay: 1, dropPath: 0 },
  });
  const forward = programFlops(program('loss', { loss: gradients.outputs.loss! }));
  expect(Math.abs(forward / batch / (detectFlops(config, 5) / 3) - 1)).toBeLessThan(0.01);
});

// Beside the model's products there are those of targets and losses: resizing, Fourier transforms. Of a transformer decoder, those
// of visible patches are counted too.
const base = { model: { image: [224, 224], patch: 16 }, task: {} } as const;

it.each<[string, number, ConfigInput]>([
  ['MAE', 0.02, { model: { classToken: true }, task: { name: 'masked' } }],
  ['no masking', 0, { task: { name: 'noise' } }],
  ['masked+zoomed-in', 0.02, { task: { name: 'masked+zoomed-in' } }],
  [
    'SimMIM',
    0.005,
    { model: { decoder: { kind: 'linear' }, target: 'none' }, task: { name: 'masked', maskRatio: 0.6 } },
  ],
  ['MFM', 0.02, { task: { name: 'frequency' } }],
  [
    'masked frequency',
    0.06,
    { model: { decoder: { kind: 'transformer' } }, task: { name: 'masked+frequency' } },
  ],
  ['PixMIM', 0.02, { model: { target: 'low-pass' }, task: { name: 'masked' } }],
  [
    'MaskFeat',
    0.005,
    { model: { target: 'hog', decoder: { kind: 'linear' } }, task: { name: 'masked', maskRatio: 0.4 } },
  ],
  ['CrossMAE', 0, { model: { classToken: true, decoder: { kind: 'cross' } }, task: { name: 'masked' } }],
  [
    'a quarter of CrossMAE',
    0,
    {
      model: { classToken: true, decoder: { kind: 'cross', share: 0.25, depth: 12 } },
      task: { name: 'masked' },
    },
  ],
  ['a cross decoder without masking', 0, { model: { decoder: { kind: 'cross' } }, task: { name: 'noise' } }],
  ['CropMAE', 0.003, { model: { classToken: true }, task: { name: 'masked+cross-zoom' } }],
  [
    'a share of CropMAE',
    0.003,
    { model: { decoder: { share: 0.5 } }, task: { name: 'masked+cross-zoom', maskRatio: 0.985 } },
  ],
])('stepFlops counts the products of the graph: %s', (_, tolerance, change) => {
  const config = parseConfig(mergeSettings(base, change) as ConfigInput);
  const pretext = taskOf(config.task);
  const { model } = config;
  const batch = 2;
  const graph = taskGraph(
    { model, task: pretext, maskRatio: config.task.maskRatio, mean: config.data.mean, std: config.data.std },
    weightInputs(autoencoderParameters(model)),
    input('view', [batch, model.channels, ...pretext.view(model.image)]),
    drawInputs(pretext, model, batch),
  );
  const forward = programFlops(program('losses', { losses: graph.losses }));
  const counted = stepFlops(config) / 3;
  expect(Math.abs(forward / batch / counted - 1)).toBeLessThanOrEqual(tolerance);
});

it('trainingBytes counts an image that the encoder sees whole beside another', () => {
  const bytes = (name: string, decoder: string) =>
    trainingBytes(
      parseConfig(
        mergeSettings(base, { model: { decoder: { kind: decoder } }, task: { name } }) as ConfigInput,
      ),
    );
  const [masked, whole] = [bytes('masked', 'cross'), bytes('noise', 'cross')];
  const guided = bytes('masked+cross-zoom', 'cross');
  expect(guided).toBeGreaterThan(whole);
  expect(guided).toBeLessThan(masked + whole);
  expect(bytes('masked', 'linear')).toBe(bytes('noise', 'linear'));
});
