/**
 * Images per second and memory of a pre-training step (forward, backward, update), beside PyTorch on the same weights and batch.
 *
 *   npm run bench -- pretrain-step --peer /usr/bin/python3 --peer python3
 *   npm run bench -- pretrain-step --model micro --batch 256
 *   npm run bench -- pretrain-step --tasks masked,masked+zoomed-in
 *   npm run bench -- pretrain-step --engine onednn --precision bf16 --slowest 20 --peer python3
 *
 * A peer is a Python that has PyTorch; its losses must agree before its times count. Figures are medians after warm-up.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  adamw,
  drawBatch,
  imagenetNormalisation,
  initialise,
  modelConfig,
  type NamedTensor,
  OneDnnSession,
  openOneDnnBackend,
  openOnnxBackend,
  pretrainPrograms,
  rng,
  type Size,
  task,
  type Values,
  writeSafetensors,
} from 'beyond-masking';
import { machine, median, peakGigabytes } from './machine.ts';

const { values: args } = parseArgs({
  options: {
    model: { type: 'string', default: 'base' },
    batch: { type: 'string', default: '32' },
    steps: { type: 'string', default: '8' },
    threads: { type: 'string', default: '2' },
    tasks: { type: 'string', default: 'masked' },
    engine: { type: 'string', default: 'onnx' },
    precision: { type: 'string', default: 'f32' },
    /** Calls of the onednn engine to print, slowest first, after steps of their own. */
    slowest: { type: 'string', default: '0' },
    peer: { type: 'string', multiple: true, default: [] },
    modes: { type: 'string', default: 'eager,compile' },
  },
});
const WARM_UP = 2;
const LR = 1e-4;
const [batch, steps, threads] = [Number(args.batch), Number(args.steps), Number(args.threads)];
const model = modelConfig(args.model);
const { mean, std } = imagenetNormalisation;
const plans = args.tasks.split(',').map((name) => prepare(name));
const initial = initialise(plans[0]!.programs.specs, 1);

console.log(`${machine()}, ${threads} threads; ${args.model}, batch ${batch}, ${args.precision}`);
const precision = args.precision === 'bf16' ? 'bf16' : 'f32';
const onednn = args.engine === 'onednn' ? await openOneDnnBackend({ threads, precision }) : undefined;
const engine = onednn ?? (await openOnnxBackend({ threads }));
console.log(engine.description);
const session = await engine.open(initial);
const first = performance.now();
// Tasks take turns, so that a change of the machine's speed meets them all alike.
const timed = plans.map(() => [] as number[]);
const losses = plans.map(() => [] as number[]);
for (let step = 0; step < steps; step++)
  for (const [i, { plan, inputs }] of plans.entries()) {
    const start = performance.now();
    const { metrics } = await session.step(plan, [inputs], { step: step * plans.length + i, lr: LR });
    if (step >= WARM_UP) timed[i]!.push((performance.now() - start) / 1000);
    else if (step === 0 && i === 0) console.log(`first step after ${seconds(first)} s`);
    losses[i]!.push(metrics.loss!);
  }
const peak = peakGigabytes();
if (Number(args.slowest) > 0) await printSlowest(Number(args.slowest));
await session.dispose();
const ours = median(timed[0]!);
plans.forEach(({ name }, i) => {
  const each = median(timed[i]!);
  const ratio = i === 0 ? '' : `, ${(each / ours).toFixed(3)} × the step of ${plans[0]!.name}`;
  console.log(`${name}: ${each.toFixed(3)} s a step, ${(batch / each).toFixed(2)} img/s${ratio}`);
});
console.log(`peak resident memory ${peak.toFixed(2)} GB`);
if (args.peer.length > 0) await comparePeers();

/** The slowest calls, and what the products and all else take: least times over some steps, each call timed by itself. */
async function printSlowest(count: number): Promise<void> {
  if (!(session instanceof OneDnnSession)) throw new Error('--slowest takes --engine onednn');
  await session.profile();
  const { plan, inputs } = plans[0]!;
  for (let step = 0; step < steps; step++) await session.step(plan, [inputs], { step: 1000 + step, lr: LR });
  const calls = [...(await session.profile())].sort((a, b) => b.milliseconds - a.milliseconds);
  const total = (some: typeof calls) => some.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const products = calls.filter(({ flops }) => flops > 0);
  const flops = products.reduce((sum, call) => sum + call.flops, 0);
  const [of, all] = [total(products), total(calls)];
  console.log(
    `calls ${all.toFixed(0)} ms; products ${of.toFixed(0)} ms (${(flops / 1e9).toFixed(0)} GFLOP at ${(flops / of / 1e6).toFixed(0)} GFLOP/s)`,
  );
  for (const { name, calls: times, milliseconds, flops } of calls.slice(0, count)) {
    const rate = flops > 0 ? `${(flops / milliseconds / 1e6).toFixed(0)} GFLOP/s` : '';
    console.log(`${milliseconds.toFixed(1).padStart(9)} ms ${`${times} ×`.padStart(5)} ${name} ${rate}`);
  }
}

function prepare(name: string) {
  const pretext = task(name);
  const programs = pretrainPrograms({ model, task: pretext, batch, mean, std });
  const inputs = { view: noise(pretext.view(model.image)), ...drawBatch(pretext, model, streams()) };
  const rule = adamw({ beta1: 0.9, beta2: 0.95, epsilon: 1e-8 });
  return {
    name,
    programs,
    inputs,
    plan: { gradients: programs.gradients, parameters: programs.parameters, rule },
  };
}

function streams() {
  return Array.from({ length: batch }, (_, i) => rng(3, i));
}

function noise([height, width]: Size): Uint8Array {
  const stream = rng(2, 'view');
  return Uint8Array.from({ length: batch * 3 * height * width }, () => stream.int(256));
}

async function comparePeers(): Promise<void> {
  if (plans[0]!.name !== 'masked') throw new Error(`the peer has the task masked, got ${plans[0]!.name}`);
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    const file = join(folder, 'batch.safetensors');
    await writeSafetensors(file, peerTensors(), {
      config: JSON.stringify({ ...model, maskRatio: 0.75, mean, std }),
    });
    for (const python of args.peer) runPeer(python, file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function peerTensors(): Map<string, NamedTensor> {
  const { specs } = plans[0]!.programs;
  const { view, 'draw:order': order } = plans[0]!.inputs as Values;
  const [height, width] = model.image;
  const normalised = Float32Array.from(view!, (byte, i) => {
    const channel = Math.floor(i / (height * width)) % 3;
    return (byte / 255 - mean[channel]!) / std[channel]!;
  });
  const tensors = new Map<string, NamedTensor>();
  for (const { name, shape } of specs)
    tensors.set(`param.${name}`, { dtype: 'F32', shape, data: new Float32Array(initial[name]!) });
  tensors.set('view', { dtype: 'F32', shape: [batch, 3, height, width], data: normalised });
  tensors.set('draw.order', {
    dtype: 'I32',
    shape: [batch, order!.length / batch],
    data: new Int32Array(order!),
  });
  return tensors;
}

function runPeer(python: string, file: string): void {
  const script = fileURLToPath(new URL('../peers/torch_step.py', import.meta.url));
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^(OPENBLAS|OMP|MKL|GOTO)_/.test(key)),
  );
  const options = [
    '--precision',
    precision,
    '--steps',
    `${steps}`,
    '--threads',
    `${threads}`,
    '--lr',
    `${LR}`,
    '--modes',
    args.modes,
  ];
  const { stdout, stderr } = spawnSync(python, [script, file, ...options], {
    env,
    encoding: 'utf8',
    maxBuffer: 1e9,
  });
  const results = stdout.split('\n').filter((line) => line.startsWith('{'));
  if (results.length === 0) console.log(`${python}: no result; ${stderr.trim().split('\n').at(-1)}`);
  for (const line of results) {
    const peer = JSON.parse(line) as {
      torch: string;
      mode: string;
      losses: number[];
      seconds: number[];
      peakBytes: number;
    };
    const label = `PyTorch ${peer.torch} ${peer.mode}`;
    const apart = Math.max(...peer.losses.slice(0, 3).map((loss, i) => Math.abs(loss / losses[0]![i]! - 1)));
    const tolerance = precision === 'bf16' ? 3e-3 : 1e-4;
    if (!(apart < tolerance))
      throw new Error(`${label}: losses must agree to ${tolerance}, got ${apart.toExponential(1)}`);
    const each = median(peer.seconds.slice(WARM_UP));
    console.log(
      `${label}: ${each.toFixed(3)} s a step, ${(batch / each).toFixed(2)} img/s, peak ${(peer.peakBytes / 1e9).toFixed(2)} GB; ` +
        `losses agree to ${apart.toExponential(1)}; ours is ${(each / ours).toFixed(2)} × as fast`,
    );
  }
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}
