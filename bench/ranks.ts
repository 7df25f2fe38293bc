/**
 * Training steps on several ranks of one machine: the figures of docs/scaling.md.
 *
 *   npm run bench -- ranks --only cores,ddp --peer PYTHON   (some minutes; nothing else should run)
 *   sudo npm run bench -- ranks --only link                 (four network namespaces with slow links; takes root, ip and tc)
 *   npm run bench -- ranks --only soak
 *
 * cores: a rank on each half of the cores beside one process on all. ddp: two ranks beside PyTorch's DistributedDataParallel with gloo, on
 * the same weights and images; losses must agree first. link: the time of a step, and the one that the model of docs/scaling.md gives.
 * soak: resident memory of two ranks over 2,000 steps. What is compared takes turns, and medians count. Ends with status 1 below a floor,
 * unless --trial takes a small model and few steps to test the script.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine, median } from '#dist/bench/machine.js';
import { LEARNING_RATE, WARM_UP } from '#dist/bench/measure.js';
import { lossesApart, writePeerStep } from '#dist/bench/peer.js';
import { initialiseOnThreads } from '#dist/run/initialise-on-threads.js';
import { type LauncherName, onRanks, permissions } from './launchers.ts';
import { linesOf, type RankJob, type RankResult, rankResults, shareStep } from './rank-job.ts';
import { makeHosts, tcp } from './slow-link.ts';

const { values: args } = parseArgs({
  options: {
    only: { type: 'string' },
    launcher: { type: 'string', default: 'Open MPI' },
    engine: { type: 'string', default: 'onednn' },
    model: { type: 'string', default: 'small' },
    batch: { type: 'string', default: '64' },
    /** Timed steps of a turn. */
    steps: { type: 'string', default: '4' },
    turns: { type: 'string', default: '5' },
    /** A Python with PyTorch. */
    peer: { type: 'string' },
    /** `eager,compile` compares both: compiling takes minutes, and was slower than eager on CPUs. */
    modes: { type: 'string', default: 'eager' },
    /** Rate of the slow links. */
    megabits: { type: 'string', default: '500' },
    'soak-steps': { type: 'string', default: '2000' },
    trial: { type: 'boolean', default: false },
    /** File of the results. */
    json: { type: 'string' },
  },
});
const launcher = args.launcher as LauncherName;
const cores = availableParallelism();
const turns = args.trial ? 1 : Number(args.turns);
const job: RankJob = {
  ...(args.trial ? { model: 'micro', batch: 8 } : { model: args.model, batch: Number(args.batch) }),
  ...{ engine: args.engine, threads: Math.max(1, cores >> 1), steps: Number(args.steps) },
};
/** Open MPI binds two ranks to a core each, and lets them wait at full speed, as users have it. */
const { OMPI_MCA_hwloc_base_binding_policy: _, OMPI_MCA_mpi_yield_when_idle: __, ...bound } = permissions;
const TOLERANCE = 1e-4;
const folder = mkdtempSync(join(tmpdir(), 'ranks-'));

const parts: Readonly<Record<string, () => Promise<object & { readonly good: boolean }>>> = {
  cores: compareCores,
  ddp: compareDdp,
  link: compareLink,
  soak,
};
const results: Record<string, unknown> = { machine: machine(), launcher, ...job };
console.log(`${machine()}; ${launcher}`);
try {
  for (const name of args.only?.split(',') ?? Object.keys(parts)) {
    const { good, ...result } = await parts[name]!();
    results[name] = result;
    console.log(`${name}: ${JSON.stringify(result)}${good ? '' : '   BELOW ITS FLOOR'}`);
    if (!good && !args.trial) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}
if (args.json) writeFileSync(args.json, `${JSON.stringify(results, null, 2)}\n`);

/** Steps of two ranks; the results of both. */
function twoRanks(more: Partial<RankJob> = {}): Promise<RankResult[]> {
  return rankResults({ ...job, ...more }, (command) => onRanks(launcher, 2, command), bound);
}

async function compareCores() {
  const seconds: Record<'one' | 'two' | 'waits', number[]> = { one: [], two: [], waits: [] };
  let apart = 0;
  for (let turn = 0; turn < turns; turn++) {
    const [one] = await rankResults({ ...job, threads: 2 * job.threads }, (command) => command);
    const [two] = await twoRanks();
    apart = Math.max(apart, lossesApart(two!.losses, one!.losses));
    seconds.one.push(...one!.seconds);
    seconds.two.push(...two!.seconds);
    seconds.waits.push(two!.afterGradients);
  }
  requireEqual(apart);
  const [one, two] = [median(seconds.one), median(seconds.two)];
  return {
    ...rates({ 'one rank': one, 'two ranks': two }),
    ratio: rounded(one / two),
    secondsAfterGradients: rounded(median(seconds.waits)),
    apart,
    good: one / two >= 0.9,
  };
}

async function compareDdp() {
  if (!args.peer) throw new Error('a comparison with PyTorch takes --peer PYTHON');
  const weights = await initialiseOnThreads(shareStep(job, 0, 2).specs, 1);
  const files = [0, 1].map((rank) => join(folder, `share-${rank}.safetensors`));
  for (const [rank, file] of files.entries()) await writePeerStep(file, shareStep(job, rank, 2), weights);
  const ours: number[] = [];
  const theirs = new Map<string, number[]>();
  let apart = 0;
  for (let turn = 0; turn < turns; turn++) {
    const [two] = await twoRanks();
    ours.push(...two!.seconds);
    for (const mode of args.modes.split(',')) {
      const peer = await ddp(args.peer, mode, files);
      apart = Math.max(apart, lossesApart(peer.losses, two!.losses));
      const name = `PyTorch ${peer.torch} ${mode}`;
      theirs.set(name, [...(theirs.get(name) ?? []), ...peer.seconds.slice(WARM_UP)]);
    }
  }
  requireEqual(apart);
  const medians = Object.fromEntries([...theirs].map(([name, seconds]) => [name, median(seconds)]));
  const ratio = Math.min(...Object.values(medians)) / median(ours);
  return { ...rates({ ours: median(ours), ...medians }), ratio: rounded(ratio), apart, good: ratio >= 1 };
}

interface DdpResult {
  readonly torch: string;
  readonly losses: readonly number[];
  readonly seconds: readonly number[];
}

/** Steps of two ranks of PyTorch. */
async function ddp(python: string, mode: string, files: readonly string[]): Promise<DdpResult> {
  const script = fileURLToPath(new URL('../peers/torch_ddp.py', import.meta.url));
  const port = await freePort();
  const { threads, steps } = job;
  const numbers = { ranks: files.length, port, steps: WARM_UP + steps, threads, lr: LEARNING_RATE };
  const options = Object.entries(numbers).flatMap(([key, value]) => [`--${key}`, `${value}`]);
  const each = files.map((file, rank) =>
    linesOf<DdpResult>([python, script, file, '--mode', mode, '--rank', `${rank}`, ...options]),
  );
  return (await Promise.all(each)).flat()[0]!;
}

async function compareLink() {
  const ranks = 4;
  const megabits = Number(args.megabits);
  const single = { ...job, threads: 1 };
  const hosts = makeHosts(ranks, megabits, folder);
  try {
    const seconds: Record<'loopback' | 'link', number[]> = { loopback: [], link: [] };
    let bytes = 0;
    for (let turn = 0; turn < turns; turn++) {
      const [near] = await rankResults(
        single,
        (command) => onRanks(launcher, ranks, [...tcp('127.0.0.0/8'), ...command]),
        permissions,
      );
      const [far] = await rankResults(single, (command) => hosts.start(command), permissions);
      seconds.loopback.push(...near!.seconds);
      seconds.link.push(...far!.seconds);
      bytes = far!.bytes;
    }
    const [near, far] = [median(seconds.loopback), median(seconds.link)];
    const modelled = near + ((2 * (ranks - 1)) / ranks) * (bytes / (megabits * 125_000));
    return {
      ...{ ranks, megabits, megabytes: rounded(bytes / 1e6) },
      ...{ loopbackSeconds: rounded(near), linkSeconds: rounded(far), modelledSeconds: rounded(modelled) },
      ratio: rounded(far / modelled),
      good: Math.abs(far / modelled - 1) <= 0.15,
    };
  } finally {
    hosts.remove();
  }
}

async function soak() {
  const steps = args.trial ? 60 : Number(args['soak-steps']);
  const all = await twoRanks({ model: 'micro', steps });
  const growth = all.map(({ memory }) => memory!.growth);
  return {
    steps,
    megabytes: all.map(({ memory }) => Math.round(1000 * memory!.late)),
    growth: growth.map(rounded),
    good: Math.max(...growth) <= 0.01,
  };
}

function requireEqual(apart: number): void {
  if (!(apart < TOLERANCE))
    throw new Error(`losses must agree to ${TOLERANCE}, got ${apart.toExponential(1)}`);
}

/** Images per second. @param seconds of a step, by name */
function rates(seconds: Readonly<Record<string, number>>): Record<string, string> {
  const texts = Object.entries(seconds).map(([name, each]) => [
    name,
    `${(job.batch / each).toFixed(2)} images a second`,
  ]);
  return Object.fromEntries(texts);
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** A port that nobody listens on. */
function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
