/**
 * Images per second of pre-training steps on the xla engine, next to PyTorch and JAX on the same weights and batch.
 *
 *   npm run bench -- accelerator --torch python3 --jax python3
 *   npm run bench -- accelerator --batch 256 --tasks masked,masked+zoomed-in,masked+blurred,finetune --gradients bf16 --soak 2000
 *   npm run bench -- accelerator --model micro --batch 8 --steps 20 --precision f32      (a trial on the CPU plugin)
 *
 * Measures the first task with fused and with unfused attention (`--attention fused,parts`), with each
 * `--flags xla_flag=value,...` (for example `--flags xla_gpu_enable_triton_gemm=true`, XLA's own kernels for products), and with
 * gradients of weights in bfloat16 (`--gradients bf16`; losses: `npm run bench -- precision`), and without this project's
 * kernels (`--without-kernels`). Measures the other tasks with
 * the first variant that works. All losses must agree to 1e-2 in the first three steps, a difference that bf16 explains. A
 * peer's losses must agree to 1e-3 (in the first three steps) before its times count. What fails is reported and left out;
 * the rest is measured, and the exit code is 1. Times are medians over groups of steps after a warm-up, with as many steps in flight
 * as in training, each with its own batch copied as bytes.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine, median } from '#dist/bench/machine.js';
import { lossesApart, writePeerStep } from '#dist/bench/peer.js';
import { type BenchStep, finetuneStep, pretrainStep } from '#dist/bench/step.js';
import type { Session, StepResult, TrainingPlan } from '#dist/engines/engine.js';
import type { AttentionSetting } from '#dist/engines/xla/attention-choice.js';
import type { XlaEngine, XlaOptions } from '#dist/engines/xla/engine.js';
import { openFoundXla } from '#dist/engines/xla/open-found.js';
import type { Values } from '#dist/graph/index.js';
import { cacheFolder } from '#dist/io/cache-folder.js';
import { modelConfig } from '#dist/models/sizes.js';
import { initialiseOnThreads } from '#dist/run/initialise-on-threads.js';

const { values: args } = parseArgs({
  options: {
    model: { type: 'string', default: 'base' },
    batch: { type: 'string', default: '256,512' },
    steps: { type: 'string', default: '60' },
    tasks: { type: 'string', default: 'masked' },
    precision: { type: 'string', default: 'bf16' },
    /** Forms of attention. The first one that works is compared with the peers. */
    attention: { type: 'string', default: 'fused,parts' },
    /** bf16: adds rows with bf16 gradients. */
    gradients: { type: 'string', default: 'f32' },
    /** Adds rows without this project's kernels. */
    'without-kernels': { type: 'boolean', default: false },
    /** XLA flags of additional rows, with the first form of attention. */
    flags: { type: 'string', multiple: true, default: [] },
    /** Steps of a soak test: memory of the host and the device must stay constant. */
    soak: { type: 'string', default: '0' },
    torch: { type: 'string' },
    jax: { type: 'string' },
    device: { type: 'string', default: 'cuda' },
  },
});
const GROUP = 10;
const LR = 1e-4;
const steps = Math.max(2, Math.ceil(Number(args.steps) / GROUP)) * GROUP;
const precision = args.precision === 'f32' ? 'f32' : 'bf16';
const model = modelConfig(args.model);
const started = performance.now();
const forms = args.attention.split(',') as AttentionSetting[];
/** Engines by the label of their rows. */
const engines = new Map<string, XlaEngine>();
for (const attention of forms) await add(`attention ${attention}`, { attention });
const [attention] = forms;
if (args['without-kernels']) await add('without kernels', { attention, kernels: false });
if (args.gradients === 'bf16') await add('gradients bf16', { attention, gradients: 'bf16' });
for (const flags of args.flags)
  await add(flags, { attention, flags: Object.fromEntries(flags.split(',').map(parsedFlag)) });
const [engine] = engines.values();
if (!engine) throw new Error('no form of attention works');
const { client } = engine;
console.log(`${machine()}; ${engine.description}; ${args.model}`);
for (const batch of args.batch.split(',').map(Number)) await measure(batch);

async function add(label: string, options: Omit<XlaOptions, 'plugin'>): Promise<void> {
  try {
    const engine = await openFoundXla({
      places: { cache: join(cacheFolder(), 'pjrt') },
      cache: join(cacheFolder(), 'xla'),
      precision,
      ...options,
    });
    engines.set(label, engine);
  } catch (error) {
    console.log(`${label}: left out; ${(error as Error).message}`);
  }
}

/** Parses `name=value`; the value becomes a boolean or a number if possible. */
function parsedFlag(flag: string): [string, boolean | number | string] {
  const [name, value = 'true'] = flag.split('=') as [string, string | undefined];
  if (value === 'true' || value === 'false') return [name, value === 'true'];
  return [name, Number.isNaN(Number(value)) ? value : Number(value)];
}

async function measure(batch: number): Promise<void> {
  let base: number | undefined;
  for (const [number, name] of args.tasks.split(',').entries()) {
    const step = name === 'finetune' ? finetuneStep(model, batch) : pretrainStep(model, name, batch);
    const initial = await initialiseOnThreads(step.specs, 1);
    let losses: readonly number[] | undefined;
    for (const [kind, engine] of [...engines].slice(0, number === 0 ? undefined : 1)) {
      const label = `${name}, batch ${batch}, ${kind}`;
      await orReport(label, async () => {
        const isFirst = losses === undefined;
        const ours = await time(label, engine, step, initial, isFirst && number === 0);
        base ??= ours.seconds;
        console.log(
          `${label}: ${(1000 * ours.seconds).toFixed(2)} ms a step, ${(batch / ours.seconds).toFixed(0)} img/s, ` +
            `${(ours.seconds / base).toFixed(3)} × the first row; host ${(100 * ours.hostShare).toFixed(1)} % of a step${ours.memory}`,
        );
        if (losses) requireAlike(kind, ours.losses, losses, 1e-2);
        losses ??= ours.losses;
        if (isFirst && ['masked', 'finetune'].includes(name))
          await comparePeers(step, initial, ours.losses, ours.seconds);
      });
    }
  }
}

/** Measures `steps` steps from the initial weights. Reports the time of the first one. */
async function time(
  label: string,
  engine: XlaEngine,
  { plan, inputs }: BenchStep,
  initial: Values,
  thenSoak: boolean,
) {
  const opened = performance.now();
  const session = await engine.open(initial);
  try {
    const { metrics } = await session.step(plan, [inputs], { step: 0, lr: LR });
    console.log(
      `${label}: first step ${seconds(performance.now() - opened)} s after opening, ` +
        `${seconds(performance.now() - started)} s after the start`,
    );
    const { losses, groups, hostShare } = await pipelined(session, plan, inputs, steps, 1);
    const used = memory();
    if (thenSoak && Number(args.soak) > 0) await soak(session, plan, inputs);
    return {
      seconds: median(groups.slice(1)),
      losses: [metrics.loss!, ...losses],
      hostShare,
      memory: used,
    };
  } finally {
    await session.dispose();
  }
}

/** Does the work; reports what fails, so that one failure does not cost the other rows. */
async function orReport(label: string, work: () => Promise<void> | void): Promise<void> {
  try {
    await work();
  } catch (error) {
    console.log(`${label}: left out; ${(error as Error).message}`);
    process.exitCode = 1;
  }
}

/** Throws Error unless the first three losses agree. */
function requireAlike(
  label: string,
  got: readonly number[],
  ours: readonly number[],
  tolerance: number,
): void {
  const apart = lossesApart(got, ours);
  if (!(apart < tolerance))
    throw new Error(`${label}: losses must agree to ${tolerance}, got ${apart.toExponential(1)}`);
}

/** Seconds per step, by groups. Steps are requested ahead, as many as a trainer requests. */
async function pipelined(session: Session, plan: TrainingPlan, inputs: Values, count: number, from: number) {
  const losses: number[] = [];
  const groups: number[] = [];
  const ahead: Promise<StepResult>[] = [];
  const before = performance.eventLoopUtilization();
  let start = performance.now();
  for (let step = 0; step < count; step++) {
    ahead.push(session.step(plan, [inputs], { step: from + step, lr: LR }));
    if (ahead.length === session.stepsAtOnce) losses.push((await ahead.shift()!).metrics.loss!);
    if ((step + 1) % GROUP === 0) {
      groups.push((performance.now() - start) / 1000 / GROUP);
      start = performance.now();
    }
  }
  for (const result of ahead) losses.push((await result).metrics.loss!);
  return { losses, groups, hostShare: performance.eventLoopUtilization(before).utilization };
}

async function soak(session: Session, plan: TrainingPlan, inputs: Values): Promise<void> {
  const total = Number(args.soak);
  for (let done = 0; done < total; done += total / 4) {
    await pipelined(session, plan, inputs, total / 4, 1000 + done);
    const { buffers, events } = client.api.live;
    console.log(
      `  after ${done + total / 4} steps: resident ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB, ` +
        `${buffers} buffers, ${events} events${memory()}`,
    );
  }
}

function memory(): string {
  const stats = client.memory();
  return stats
    ? `; device ${(stats.inUse / 1e9).toFixed(2)} GB, peak ${(stats.peak / 1e9).toFixed(2)} GB`
    : '';
}

/** PyTorch's step, and JAX's for pre-training. */
async function comparePeers(
  step: BenchStep,
  initial: Values,
  losses: readonly number[],
  ours: number,
): Promise<void> {
  const jax = 'targets' in step.inputs ? undefined : args.jax;
  const peers = [
    [args.torch, 'torch_step.py', ['--modes', 'eager,compile', '--device', args.device]],
    [jax, 'jax_step.py', ['--modes', args.device === 'cuda' ? 'plain,cudnn' : 'plain']],
  ] as const;
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    const file = join(folder, 'batch.safetensors');
    await writePeerStep(file, step, initial);
    for (const [python, script, options] of peers)
      if (python) runPeer(python, [script, file, ...options], step.images, losses, ours);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function runPeer(
  python: string,
  [script, ...options]: readonly string[],
  batch: number,
  losses: readonly number[],
  ours: number,
): void {
  const path = fileURLToPath(new URL(`../peers/${script}`, import.meta.url));
  const all = [path, ...options, '--steps', `${steps}`, '--precision', precision, '--lr', `${LR}`];
  const { stdout, stderr } = spawnSync(python, all, { encoding: 'utf8', maxBuffer: 1e9 });
  const results = stdout.split('\n').filter((line) => line.startsWith('{'));
  if (results.length === 0)
    console.log(`${python} ${script}: no result; ${stderr.trim().split('\n').at(-1)}`);
  for (const line of results) {
    const peer = JSON.parse(line) as Record<'torch' | 'jax' | 'mode', string> & {
      losses: number[];
      seconds: number[];
      peakBytes: number;
    };
    const label = peer.torch ? `PyTorch ${peer.torch} ${peer.mode}` : `JAX ${peer.jax} ${peer.mode}`;
    const each = median(peer.seconds.slice(1));
    const apart = lossesApart(peer.losses, losses);
    if (!(apart < 1e-3)) process.exitCode = 1;
    console.log(
      `  ${label}: ${(1000 * each).toFixed(2)} ms a step, ${(batch / each).toFixed(0)} img/s, ` +
        `peak ${(peer.peakBytes / 1e9).toFixed(2)} GB; ` +
        (apart < 1e-3
          ? `losses agree to ${apart.toExponential(1)}; ours is ${(each / ours).toFixed(3)} × as fast`
          : `not comparable: losses must agree to 1e-3, got ${apart.toExponential(1)}`),
    );
  }
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(1);
}
