// A task of my own: the encoder sees the picture with its channels swapped, and is judged by patches of the original.
import { type ConfigInput, pretrain } from 'beyond-masking';
import { concat, slice, sub, type Tensor } from 'beyond-masking/graph';
import { areaResize, type PretextTask, patchLoss, plain, targetOf } from 'beyond-masking/nn';

const swapped: PretextTask = {
  ...plain,
  name: 'swapped',
  summary: 'blue for red, at half of the resolution',
  judges: 'patches',
  degrade: (view, _, { image: [height, width] }) => {
    const channel = (i: number): Tensor => slice(view, [0, i, 0, 0], [view.shape[0]!, i + 1, height, width]);
    const blueFirst = concat([channel(2), channel(1), channel(0)], 1);
    return areaResize(areaResize(blueFirst, [height / 2, width / 2]), [height, width]);
  },
  loss: ({ prediction, view, masking }, context) => {
    const target = targetOf(context.target).of(view, context);
    const losses = patchLoss(sub(prediction.all, target), masking);
    return { losses, parts: { half: losses } };
  },
};

const settings: ConfigInput = {
  data: { source: 'images', heldOut: 0.25 },
  model: {
    image: [8, 8],
    patch: 4,
    width: 8,
    depth: 1,
    heads: 2,
    decoder: { width: 8, depth: 1, heads: 2 },
  },
  task: { name: 'masked+swapped', maskRatio: 0.5 },
  training: { epochs: 2, batchSize: 4, warmupEpochs: 0 },
  engine: { name: 'reference' },
};
const stop = new AbortController();
const first = await pretrain(settings, {
  output: 'runs/task',
  parts: { tasks: [swapped] },
  signal: stop.signal,
  onEvent: async (event) => {
    if (event.type === 'step' && event.row.step === 2) stop.abort();
  },
});
console.log(first.outcome);
const refused = await pretrain({}, { output: 'runs/task', resume: true }).catch(
  (error: Error) => error.message,
);
console.log(refused);
const second = await pretrain({}, { output: 'runs/task', resume: true, parts: { tasks: [swapped] } });
console.log(second.outcome, second.step);
