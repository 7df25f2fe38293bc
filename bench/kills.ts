/**
 * Kills ranks, engines, launchers and whole jobs of training runs at random moments. Each resume of a run is the next victim, until
 * the run is finished; then its metrics and its last checkpoint must equal those of a run that nobody killed, byte for byte.
 *
 *   npm run bench -- kills --kills 1000 --seed 1
 *   npm run bench -- kills --kills 20 --launchers 'Open MPI' --engines onnx
 *
 * Victims and moments follow from the seed; how far a run is at a moment does not. Ends with status 1 if a resume fails, if a process is
 * left over, or if bytes differ: the folder of such a run is kept. SIGTERM lets the present runs end without further kills, and prints the
 * summary.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { machine, median } from '#dist/bench/machine.js';
import { type Rng, rng } from '#dist/random/rng.js';
import { type JobProcess, MARK, processesOf } from './job-processes.ts';
import { type LauncherName, launcherOf, onRanks, permissions } from './launchers.ts';

const { values: args } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    launchers: { type: 'string', default: 'Open MPI,MPICH,Slurm' },
    engines: { type: 'string', default: 'onnx,onednn' },
    /** Runs at a time. */
    runs: { type: 'string', default: '1' },
    /** File of the summary. */
    json: { type: 'string' },
  },
});
const RANKS = 2;
/** A run is left alone after this number of kills. */
const CHAIN = 40;
/** Share of the kills while a run starts; the others come after one of its next `ROWS` updates and a while. */
const EARLY = 0.3;
const [STARTING, ROWS, WHILE] = [2500, 40, 150];
/** Seconds in which all processes of a job must end after a kill. */
const LIMIT = 60;
/** Milliseconds after which a user would cancel the job of a killed srun. */
const CANCEL = 5000;

const victims = ['rank', 'rank', 'engine', 'launcher', 'job'] as const;
type Victim = (typeof victims)[number];

interface Place {
  readonly launcher: LauncherName;
  readonly engine: string;
}

interface Kill extends Place {
  readonly victim: Victim;
  /** True if the run had begun to train. */
  readonly trained: boolean;
  /** From the kill to the end of the last process. */
  readonly seconds: number;
  /** True if the output names the killed rank; undefined where no rank was killed alone. */
  readonly named?: boolean;
}

const folder = mkdtempSync(join(tmpdir(), 'kills-'));
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const seed = Number(args.seed);
let wanted = Number(args.kills);
process.once('SIGTERM', () => {
  wanted = kills.length;
});
const launchers = (args.launchers.split(',') as LauncherName[]).filter((name) => launcherOf(name));
const places: Place[] = launchers.flatMap((launcher) =>
  args.engines.split(',').map((engine) => ({ launcher, engine })),
);
const kills: Kill[] = [];
const faults: string[] = [];
let [chains, jobs] = [0, 0];
const begin = performance.now();
const minutes = () => (performance.now() - begin) / 60_000;

if (places.length === 0) throw new Error(`none of ${args.launchers} is installed`);
await makeImages();
const expected = new Map<string, string>();
for (const engine of args.engines.split(',')) {
  const output = `whole-${engine}`;
  const whole = start({ launcher: launchers[0]!, engine }, output);
  const status = await whole.ended;
  if (status !== 0)
    throw new Error(`a run that nobody kills must end well, got ${status}: ${whole.printed()}`);
  expected.set(engine, outcome(output));
}
console.log(`${machine()}; ${launchers.join(', ')}; seed ${seed}`);
const turns = Array.from({ length: Number(args.runs) }, async () => {
  while (kills.length < wanted) await chain(chains++);
});
await Promise.all(turns);
report();

/** One run from its first start to its end. */
async function chain(number: number): Promise<void> {
  const place = places[number % places.length]!;
  const about = `run ${number} (${place.launcher}, ${place.engine})`;
  const output = `run-${number}`;
  let count = 0;
  let fault: string | undefined;
  for (;;) {
    const job = start(place, output);
    const kill =
      count < CHAIN && kills.length < wanted ? await strike(job, place, rng(seed, number, count)) : undefined;
    const status = await job.ended;
    if (!kill) {
      if (status !== 0) fault = `ended with ${status} though nobody killed it: ${job.printed()}`;
      break;
    }
    count++;
    kills.push(kill.kill);
    fault = kill.fault;
    if (fault !== undefined || status === 0) break;
  }
  if (fault === undefined && outcome(output) !== expected.get(place.engine)) fault = 'ended with other bytes';
  if (fault === undefined) rmSync(join(folder, output), { recursive: true });
  else faults.push(`${about}, ${join(folder, output)}, after ${count} kills: ${fault}`);
  const left = (minutes() / kills.length) * (wanted - kills.length);
  console.log(
    `${about}: ${count} kills, ${fault ?? 'the same bytes'}; ${kills.length} of ${wanted} kills after ${minutes().toFixed(1)} min, ${left.toFixed(0)} min left`,
  );
}

interface Job {
  readonly mark: string;
  readonly launcher: number;
  /** Milliseconds since the start. */
  time(): number;
  printed(): string;
  /** Updates reported so far. */
  rows(): number;
  /** The status, when the launcher and its output have ended. */
  readonly ended: Promise<number | string>;
  hasEnded(): boolean;
}

/** Starts a run, or resumes it. */
function start({ launcher, engine }: Place, output: string): Job {
  const mark = `${process.pid}-${jobs++}`;
  const command = [process.execPath, main, ...options(), '--engine', engine, '--output', output];
  const [program, ...rest] = onRanks(launcher, RANKS, command) as [string, ...string[]];
  const from = performance.now();
  const child = spawn(program, rest, {
    cwd: folder,
    env: {
      ...process.env,
      ...permissions,
      ...{ [MARK]: mark, SLURM_JOB_NAME: mark, BEYOND_MASKING_CACHE: join(folder, 'cache') },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [printed, end] = ['', false];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      printed += text;
    });
  child.on('exit', () => {
    end = true;
  });
  const ended = new Promise<number | string>((resolve) => {
    child.on('close', (status, signal) => resolve(status ?? signal ?? -1));
  });
  return {
    mark,
    launcher: child.pid!,
    time: () => performance.now() - from,
    printed: () => printed,
    rows: () => printed.split('"type":"step"').length - 1,
    ended,
    hasEnded: () => end,
  };
}

/** Kills something of a job at a random moment, and waits until all of it has ended. Undefined if the job ended before. */
async function strike(
  job: Job,
  place: Place,
  stream: Rng,
): Promise<{ kill: Kill; fault?: string } | undefined> {
  const [early, chosen, rank] = [
    stream.uniform() < EARLY,
    victims[stream.int(victims.length)]!,
    stream.int(RANKS),
  ];
  const [at, row, pause] = [stream.uniform(0, STARTING), stream.int(ROWS), stream.uniform(0, WHILE)];
  while (!job.hasEnded() && (early ? job.time() < at : job.rows() <= row)) await setTimeout(5);
  if (!early) await setTimeout(pause);
  const found = processesOf(job.mark);
  const { victim, pids } = targets(chosen, rank, job, found);
  if (job.hasEnded() || pids.length === 0) return undefined;
  const trained = job.rows() > 0;
  const from = performance.now();
  for (const pid of pids) kill(pid);
  const left = await ending(job, place, victim, from);
  for (const { pid } of left) kill(pid);
  const seconds = (performance.now() - from) / 1000;
  await job.ended;
  const alone = victim === 'rank' || victim === 'engine';
  const named = new RegExp(`(rank ${rank}\\b|task ${rank}:).*(PID|ended|killed)`, 'i').test(job.printed());
  const kept = left.map(({ kind, command }) => `${kind} ${command}`).join('; ');
  return {
    kill: { ...place, victim, trained, seconds, ...(alone && trained && { named }) },
    ...(left.length > 0 && { fault: `processes were left over after the death of its ${victim}: ${kept}` }),
  };
}

/** The processes to kill; those of another victim where a job has none of the chosen kind yet. */
function targets(
  chosen: Victim,
  rank: number,
  { launcher }: Job,
  found: readonly JobProcess[],
): { victim: Victim; pids: number[] } {
  const of = (kind: string) =>
    found.filter((each) => each.kind === kind && each.rank === rank).map(({ pid }) => pid);
  if (chosen === 'engine' && of('engine').length > 0) return { victim: chosen, pids: of('engine') };
  if ((chosen === 'rank' || chosen === 'engine') && of('rank').length > 0)
    return { victim: 'rank', pids: of('rank') };
  if (chosen === 'job')
    return { victim: 'job', pids: [...new Set([launcher, ...found.map(({ pid }) => pid)])] };
  return { victim: 'launcher', pids: [launcher] };
}

/** Waits until a job has ended after a kill. Returns the processes that are left after the limit. */
async function ending(
  { mark }: Job,
  { launcher }: Place,
  victim: Victim,
  from: number,
): Promise<JobProcess[]> {
  // Slurm keeps the allocation of a killed srun until its user cancels it.
  let toCancel = launcher === 'Slurm' && (victim === 'launcher' || victim === 'job');
  for (;;) {
    const left = processesOf(mark);
    const milliseconds = performance.now() - from;
    const ended = left.length === 0 || milliseconds > 1000 * LIMIT;
    if (toCancel && (ended || milliseconds > CANCEL)) {
      toCancel = false;
      await once(spawn('scancel', [`--name=${mark}`], { stdio: 'ignore' }), 'close');
    }
    if (ended) return left;
    await setTimeout(30);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** A digest of the metrics without times, and of the newest checkpoint. */
function outcome(output: string): string {
  const hash = createHash('sha256');
  try {
    for (const line of readFileSync(join(folder, output, 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n')) {
      const { seconds, imagesPerSecond, ...row } = JSON.parse(line);
      hash.update(JSON.stringify(row));
    }
    const checkpoints = join(folder, output, 'checkpoints');
    const newest = readdirSync(checkpoints).sort().at(-1)!;
    return `${newest} ${hash.update(readFileSync(join(checkpoints, newest))).digest('hex')}`;
  } catch (error) {
    return `${error}`;
  }
}

/** Small pictures of noise. */
async function makeImages(): Promise<void> {
  mkdirSync(join(folder, 'images'));
  for (let i = 0; i < 200; i++) {
    const stream = rng(seed, 'images', i);
    const pixels = Uint8Array.from({ length: 12 * 10 * 3 }, () => stream.int(256));
    const path = join(folder, 'images', `${i}.png`);
    await sharp(pixels, { raw: { width: 12, height: 10, channels: 3 } })
      .png()
      .toFile(path);
  }
}

/** A run of a tiny model: 200 updates, 40 an epoch. */
function options(): string[] {
  const settings = {
    ...{ 'data.source': 'images', 'data.heldOut': 0.2, 'evaluation.heldOutImages': 4 },
    'evaluation.reconstructions': 2,
    ...{ 'model.image': '8,8', 'model.patch': 4, 'model.width': 8, 'model.depth': 1, 'model.heads': 2 },
    ...{ 'model.decoder.width': 8, 'model.decoder.depth': 1, 'model.decoder.heads': 2 },
    ...{ 'training.batchSize': 4, 'training.epochs': 5, 'training.warmupEpochs': 1 },
    ...{ 'checkpoints.every': 4, 'engine.threads': 1, seed },
  };
  const set = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  return ['pretrain', ...set, '--resume', '--json'];
}

function report(): void {
  const rows = places.flatMap((place) => {
    const own = kills.filter(
      ({ launcher, engine }) => launcher === place.launcher && engine === place.engine,
    );
    if (own.length === 0) return [];
    const of = (victim: Victim) => own.filter((each) => each.victim === victim).length;
    const named = own.filter((each) => each.named !== undefined);
    const times = own.map(({ seconds }) => seconds);
    return {
      ...place,
      ...{ kills: own.length, ranks: of('rank'), engines: of('engine') },
      ...{ launchers: of('launcher'), jobs: of('job') },
      whileTraining: own.filter(({ trained }) => trained).length,
      named: `${named.filter((each) => each.named).length} of ${named.length}`,
      medianSeconds: Number(median(times).toFixed(2)),
      mostSeconds: Number(Math.max(...times).toFixed(2)),
    };
  });
  const summary = {
    machine: machine(),
    seed,
    kills: kills.length,
    runs: chains,
    minutes: Math.round(minutes()),
    rows,
    faults,
  };
  console.table(rows);
  console.log(
    `${kills.length} kills of ${chains} runs in ${minutes().toFixed(0)} min: ${faults.length} faults`,
  );
  for (const fault of faults) console.log(fault);
  if (args.json) writeFileSync(args.json, `${JSON.stringify(summary, null, 2)}\n`);
  if (faults.length > 0) process.exitCode = 1;
  else rmSync(folder, { recursive: true });
}
