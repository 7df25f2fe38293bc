/**
 * A rank of `npm run bench -- ranks`: takes steps on its share of a batch of noise, and writes a file with its `RankResult`. Without a launcher
 * it takes the whole batch. Its arguments are a `RankJob` and the folder of the file.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { median, residentGigabytes } from '#dist/bench/machine.js';
import { LEARNING_RATE, WARM_UP } from '#dist/bench/measure.js';
import { growthOf } from '#dist/bench/soak.js';
import { parseConfig } from '#dist/config/schema.js';
import { mpiCollective } from '#dist/engines/mpi/place.js';
import { openEngine } from '#dist/run/engine.js';
import { initialiseOnThreads } from '#dist/run/initialise-on-threads.js';
import { launchedWorld } from '#dist/run/world.js';
import { type RankJob, type RankResult, shareStep } from './rank-job.ts';

const job = JSON.parse(process.argv[2]!) as RankJob;
const world = launchedWorld();
const { rank, size } = world ?? { rank: 0, size: 1 };
const step = shareStep(job, rank, size);
const { engine: name, threads, steps } = job;
const engine = await openEngine(parseConfig({ engine: { name, threads } } as object).engine);
const session = await engine.open(
  await initialiseOnThreads(step.specs, 1),
  world && { collective: mpiCollective(world) },
);
const SAMPLES = 50;
const every = Math.max(1, Math.floor(steps / SAMPLES));
const [seconds, losses, waits, memory]: number[][] = [[], [], [], []];
for (let i = 0; i < WARM_UP + steps; i++) {
  const from = performance.now();
  const made = await session.step(step.plan, [step.inputs], { step: i, lr: LEARNING_RATE });
  const milliseconds = performance.now() - from;
  losses!.push(made.metrics.loss!);
  if (i < WARM_UP) continue;
  seconds!.push(milliseconds / 1000);
  waits!.push((milliseconds - (made.milliseconds?.[rank] ?? milliseconds)) / 1000);
  if (i % every === 0) memory!.push(residentGigabytes());
}
await session.dispose();
const result: RankResult = {
  ...{ rank, size, engine: engine.description, losses: losses!, seconds: seconds! },
  afterGradients: median(waits!),
  bytes: step.specs.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0),
  ...(steps >= SAMPLES && { memory: growthOf(memory!) }),
};
writeFileSync(join(process.argv[3]!, `rank-${rank}.json`), JSON.stringify(result));
