// Run in a project where the packed package is installed: one task of a small random model, on whatever engine is there and
// on the reference.
import { imagenetNormalisation } from 'beyond-masking/data';
import { openOnnxEngine, referenceEngine } from 'beyond-masking/engines';
import {
  autoencoderParameters,
  drawBatch,
  evaluateTask,
  initialise,
  modelConfig,
  rng,
  task,
} from 'beyond-masking/nn';

const model = modelConfig('micro', {
  width: 16,
  depth: 1,
  heads: 2,
  decoder: { width: 8, depth: 1, heads: 2 },
});
const pretext = task('masked+zoomed-in');
const random = rng(1, 'packed');
const [height, width] = pretext.view(model.image);
const options = {
  ...imagenetNormalisation,
  model,
  task: pretext,
  weights: initialise(autoencoderParameters(model), 1),
  view: Float32Array.from({ length: model.channels * height * width }, () => random.normal()),
  draws: drawBatch(pretext, model, [random]),
};

const engine = await openOnnxEngine();
console.log(engine.description);
if (engine.notice) console.log(engine.notice);
const [got, expected] = [
  await evaluateTask({ ...options, engine: engine }),
  await evaluateTask({ ...options, engine: referenceEngine }),
];

for (const [name, a, b] of [
  ['loss', got.loss, expected.loss],
  ...Object.keys(expected.parts).map((part) => [part, got.parts[part], expected.parts[part]]),
])
  if (!(Math.abs(a - b) <= 1e-4 * Math.abs(b)))
    throw new Error(`${name} must agree with the reference to 1e-4, got ${a} and ${b}`);
console.log(
  `the packed package works: loss ${got.loss.toFixed(6)}, the reference's ${expected.loss.toFixed(6)}`,
);
