/**
 * Time of the label-free panel, and of the scores of held-out images, as shares of the time of an epoch, with the settings of a recipe.
 *
 *   npm run bench -- panel
 *   npm run bench -- panel --recipe cifar10-micro-masked --engine onnx --rounds 7
 *
 * Steps and panels take turns, so that a change of the machine's speed affects both alike; medians count. An epoch is its steps with batches that
 * are ready; LiDAR is part of every tenth panel, and counts by a tenth.
 */
import { parseArgs } from 'node:util';
import { machine, median } from '#dist/bench/machine.js';
import { resolveConfig } from '#dist/config/recipes.js';
import { microBatchOf } from '#dist/config/rules.js';
import { evaluate } from '#dist/evaluate/evaluator.js';
import { heldOutScores } from '#dist/evaluate/held-out.js';
import { labelFreePanel } from '#dist/evaluate/panel/panel.js';
import { initialise } from '#dist/nn/init.js';
import { trainingPlan } from '#dist/programs/plan.js';
import { openData, sample } from '#dist/run/data.js';
import { openEngine } from '#dist/run/engine.js';
import { setUp } from '#dist/run/setup-pretrain.js';

const { values: args } = parseArgs({
  options: {
    recipe: { type: 'string', default: 'cifar10-micro-masked-zoomed-in' },
    engine: { type: 'string', default: 'auto' },
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '6' },
  },
});
const config = resolveConfig({ recipe: args.recipe, engine: { name: args.engine as 'auto' } });
const { training, evaluation } = config;
const setup = setUp(config);
const data = await openData(config);
const engine = await openEngine(config.engine);
const { gradients, parameters, specs } = setup.programs(microBatchOf(training));
const session = await engine.open(initialise(specs, config.seed));
const plan = trainingPlan(config.training, gradients, parameters);
const loader = setup.trainingViews(data.train, {
  batchSize: training.batchSize,
  cursor: { epoch: 0, position: 0 },
});
const { value: batch } = await loader.next();
await loader.dispose();
const inputs = setup.inputs(batch!);
const panel = labelFreePanel(engine, setup, data)!;
const heldOut = data.heldOut && sample(data.heldOut, evaluation.heldOutImages, config.seed, 'held-out');

const seconds = async (work: () => Promise<unknown>) => {
  const from = performance.now();
  await work();
  return (performance.now() - from) / 1000;
};
let step = 0;
const works: Record<string, () => Promise<unknown>> = {
  step: async () => {
    for (let i = 0; i < Number(args.steps); i++)
      await session.step(plan, [inputs], { step: step++, lr: 1e-4 });
  },
  panel: () => panel.measure(session, { views: false }),
  'panel with LiDAR': () => panel.measure(session, { views: true }),
  ...(heldOut && {
    'held-out scores': () => evaluate(heldOutScores(setup, heldOut, { batchSize: 256 }), session),
  }),
};
const times: Record<string, number[]> = {};
for (let round = 0; round <= Number(args.rounds); round++)
  for (const [name, work] of Object.entries(works)) {
    const time = await seconds(work);
    times[name] ??= [];
    if (round > 0) times[name].push(time); // the first round compiles
  }
await session.dispose();
const of = (name: string) => median(times[name] ?? [0]);
const epoch = (of('step') / Number(args.steps)) * Math.floor(data.train.length / training.batchSize);
const usual = of('panel') + 0.1 * (of('panel with LiDAR') - of('panel'));
const share = (time: number) => `${((100 * time) / epoch).toFixed(2)} % of an epoch`;
console.log(`${machine()}; ${engine.description}; ${args.recipe}`);
console.log(`epoch: ${epoch.toFixed(1)} s, ${data.train.length} images`);
console.log(
  `panel: ${usual.toFixed(2)} s, ${share(usual)} (with LiDAR ${of('panel with LiDAR').toFixed(2)} s)`,
);
if (heldOut)
  console.log(`held-out scores: ${of('held-out scores').toFixed(2)} s, ${share(of('held-out scores'))}`);
