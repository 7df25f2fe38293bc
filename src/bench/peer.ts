import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Values } from '../graph/index.ts';
import { IMAGENET } from '../image/normalise.ts';
import type { NamedTensor } from '../io/dtypes.ts';
import { writeSafetensors } from '../io/safetensors.ts';
import { LEARNING_RATE, WARM_UP } from './measure.ts';
import type { BenchStep } from './step.ts';

/** PyTorch's measurements of the same step. */
export interface PeerMeasure {
  /** `PyTorch 2.15.0 compile`. */
  readonly name: string;
  readonly seconds: readonly number[];
  /** Largest relative difference of the first losses. */
  readonly apart: number;
  readonly peakGB: number;
}

export interface PeerOptions {
  readonly python: string;
  readonly modes: string;
  readonly count: number;
  readonly threads: number;
  readonly precision: 'f32' | 'bf16';
  /** Losses of this project's steps. */
  readonly losses: readonly number[];
  readonly signal?: AbortSignal | undefined;
}

/** Number of compared losses. Rounding differences grow from step to step. */
const COMPARED = 3;
const tolerances = { f32: 1e-4, bf16: 3e-3 };
const script = fileURLToPath(new URL('../../bench/peers/torch_step.py', import.meta.url));

/** Throws Error without the peer's script, which is in the repository but not in the package. */
export function requirePeer(): void {
  if (!existsSync(script))
    throw new Error('comparing with PyTorch takes a checkout of the repository (bench/peers), got a package');
}

/**
 * Runs the step in PyTorch on the same weights and batch, each mode in a separate process. Throws Error if it fails
 * or if its losses differ.
 */
export async function measurePeer(
  step: BenchStep,
  weights: Values,
  options: PeerOptions,
): Promise<PeerMeasure[]> {
  const { python, modes, count, threads, precision, losses, signal } = options;
  requirePeer();
  const folder = await mkdtemp(join(tmpdir(), 'beyond-masking-bench-'));
  try {
    const file = join(folder, 'step.safetensors');
    await writePeerStep(file, step, weights);
    const numbers = ['--steps', `${WARM_UP + count}`, '--threads', `${threads}`, '--lr', `${LEARNING_RATE}`];
    const args = [script, file, '--modes', modes, '--precision', precision, ...numbers];
    const lines = (await output(python, args, signal)).split('\n').filter((line) => line.startsWith('{'));
    return lines.map((line) => {
      const peer = JSON.parse(line) as Record<'torch' | 'mode', string> &
        Record<'losses' | 'seconds', number[]> & { peakBytes: number };
      const name = `PyTorch ${peer.torch} ${peer.mode}`;
      const apart = lossesApart(peer.losses, losses);
      if (!(apart < tolerances[precision]))
        throw new Error(
          `losses must agree to ${tolerances[precision]}, got ${apart.toExponential(1)} (${name})`,
        );
      return { name, seconds: peer.seconds.slice(WARM_UP), apart, peakGB: peer.peakBytes / 1e9 };
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Largest relative difference of the compared losses, those of the first steps. */
export function lossesApart(got: readonly number[], ours: readonly number[]): number {
  return Math.max(...ours.slice(0, COMPARED).map((loss, i) => Math.abs(got[i]! / loss - 1)));
}

/** Writes a peer's input: the step's weights, images and settings. */
export function writePeerStep(path: string, step: BenchStep, weights: Values): Promise<void> {
  return writeSafetensors(path, tensorsOf(step, weights), { config: JSON.stringify(configOf(step)) });
}

function configOf({ model, plan, peer }: BenchStep): object {
  const groups = plan.parameters.map(({ name, lrScale, weightDecay }) => [name, { lrScale, weightDecay }]);
  return { ...model, ...peer?.config, ...IMAGENET, maskRatio: 0.75, groups: Object.fromEntries(groups) };
}

/** Weights, normalised images and the other inputs of the step. */
function tensorsOf(
  { inputs, specs, model, images, peer }: BenchStep,
  weights: Values,
): Map<string, NamedTensor> {
  const { view, targets, masks, 'draw:order': order, ...others } = inputs;
  const [height, width] = model.image;
  const { mean, std } = IMAGENET;
  const normalised = Float32Array.from(view!, (byte, i) => {
    const channel = Math.floor(i / (height * width)) % 3;
    return (byte / 255 - mean[channel]!) / std[channel]!;
  });
  const tensors = new Map<string, NamedTensor>(peer?.tensors);
  for (const { name, shape } of specs)
    tensors.set(`param.${name}`, { dtype: 'F32', shape, data: new Float32Array(weights[name]!) });
  tensors.set('view', { dtype: 'F32', shape: [images, 3, height, width], data: normalised });
  const rows = (data: { readonly length: number }) => [images, data.length / images];
  if (order) tensors.set('draw.order', { dtype: 'I32', shape: rows(order), data: new Int32Array(order) });
  if (masks)
    tensors.set('masks', { dtype: 'I32', shape: [images, height, width], data: Int32Array.from(masks) });
  if (targets)
    tensors.set('targets', { dtype: 'F32', shape: rows(targets), data: new Float32Array(targets) });
  for (const [name, data] of Object.entries(others).filter(([name]) => name.startsWith('anchors:')))
    tensors.set(name.replace(':', '.'), { dtype: 'F32', shape: rows(data), data: Float32Array.from(data) });
  return tensors;
}

/** A program's output. Removes variables that bind threads or choose kernels from its environment. */
function output(program: string, options: readonly string[], signal?: AbortSignal): Promise<string> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^(OPENBLAS|OMP|MKL|GOTO|KMP|GOMP)_/.test(key)),
  );
  return new Promise((resolve, reject) => {
    const child = spawn(program, options, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(signal && { signal }),
    });
    let [out, errors] = ['', ''];
    child.stdout.on('data', (text) => {
      out += text;
    });
    child.stderr.on('data', (text) => {
      errors += text;
    });
    child.on('error', (error) =>
      reject(signal?.aborted ? signal.reason : new Error(`${program} cannot be run: ${error.message}`)),
    );
    child.on('close', (code) => {
      if (code === 0) resolve(out);
      else
        reject(new Error(`${program} with PyTorch must succeed, got: ${errors.trim().split('\n').at(-1)}`));
    });
  });
}
