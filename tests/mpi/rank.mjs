// A rank that trains a tiny model: node rank.mjs ENGINE STEPS SEED. Without a launcher it trains on all batches alone.
import { createHash } from 'node:crypto';
import { abortJob, launchedWorld, mpiCollective, openEngine } from '#dist/exports/engines.js';
import { autoencoderParameters } from '#dist/models/autoencoder.js';
import { initialise } from '#dist/nn/init.js';
import { adamw } from '#dist/optim/adamw.js';
import { pretrainPrograms } from '#dist/programs/pretrain.js';
import { rng } from '#dist/random/rng.js';
import { drawBatch } from '#dist/tasks/draws.js';
import { task } from '#dist/tasks/table.js';

const name = process.argv[2];
const [steps, seed] = process.argv.slice(3).map(Number);
/** Micro-batches of a step over all ranks. */
const TOTAL = 12;
const BATCH = 2;
const model = {
  image: [16, 16],
  patch: 8,
  channels: 3,
  width: 16,
  depth: 1,
  heads: 2,
  mlpRatio: 4,
  classToken: false,
  positions: 'sincos1d',
  target: 'channel',
  decoder: { width: 8, depth: 1, heads: 2 },
};
const pretext = task('masked');
const statistics = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const { gradients, parameters } = pretrainPrograms({ model, task: pretext, batch: BATCH, ...statistics });
const plan = { gradients, parameters, rule: adamw({ beta1: 0.9, beta2: 0.95, epsilon: 1e-8 }), clip: 0.1 };

function batch(at) {
  const [height, width] = pretext.view(model.image);
  const pixels = rng(seed, 'pixels', at);
  const view = Uint8Array.from({ length: BATCH * 3 * height * width }, () => pixels.int(256));
  return {
    view,
    ...drawBatch(
      pretext,
      model,
      Array.from({ length: BATCH }, (_, i) => rng(seed, at, i)),
    ),
  };
}

const world = launchedWorld();
const { rank, size } = world ?? { rank: 0, size: 1 };
const who = `rank ${rank} of ${size}`;
try {
  if (process.env.FAILING_RANK === String(rank)) throw new Error('the disk is full');
  const backend = await openEngine({ name, threads: 1 });
  const session = await backend.open(initialise(autoencoderParameters(model), seed), {
    ...(world && { collective: mpiCollective(world) }),
  });
  console.error(`${who} is process ${process.pid}`);
  const share = TOTAL / size;
  const rows = [];
  for (let step = 0; step < steps; step++) {
    const own = Array.from({ length: share }, (_, i) => batch(step * TOTAL + rank * share + i));
    const { metrics, gradientNorm } = await session.step(plan, own, { step, lr: 1e-3 });
    rows.push([metrics.loss, gradientNorm]);
    if (step === 0) console.error(`${who} has trained`);
  }
  const hash = createHash('sha256');
  for (const [key, data] of Object.entries(await session.read()).sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(key).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  await session.dispose();
  console.log(JSON.stringify({ rank, rows, state: hash.digest('hex') }));
} catch (error) {
  console.error(`${who}: ${error.message}`);
  await abortJob(1);
  process.exit(1);
}
