/**
 * Measures all figures about CPUs in docs/performance.md and updates the page: results in docs/performance.json, tables
 * between the page's markers, the plot in docs/scaling.svg. About 40 minutes on 2 cores; nothing else should run.
 *
 *   npm run bench -- all --peer PYTHON --peer OLDER_PYTHON
 *   npm run bench -- all --only micro-f32,soak          (others stay unchanged)
 *   npm run bench -- all --only none                    (only updates the page)
 *   npm run bench -- all --trial --folder /tmp/trial    (small models and few steps, to test the script)
 *
 * A peer is a Python with PyTorch: the first one is compared everywhere, further ones in float32 pre-training.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { BenchResult, BenchRow } from '#dist/bench/bench.js';
import { scaling, scalingPlot } from '#dist/bench/scaling.js';
import { fillPage, type Results, type TaskCost } from './page.ts';

const { values: args } = parseArgs({
  options: {
    peer: { type: 'string', multiple: true, default: [] },
    only: { type: 'string' },
    steps: { type: 'string', default: '8' },
    folder: { type: 'string', default: fileURLToPath(new URL('../../docs', import.meta.url)) },
    trial: { type: 'boolean', default: false },
  },
});
const [first, base, batch] = [args.peer.slice(0, 1), args.trial ? 'micro' : 'base', args.trial ? '4' : '32'];
const [few, many] = args.trial ? ['4', '8'] : ['8', '256'];
const steps = args.trial ? '2' : args.steps;

const parts: Readonly<Record<string, () => unknown>> = {
  'base-f32': () => step(['--model', base, '--batch', batch, '--engine', 'onednn'], args.peer),
  'base-onnx': () => step(['--model', base, '--batch', batch, '--engine', 'onnx'], []),
  'base-bf16': () =>
    step(['--model', base, '--batch', batch, '--engine', 'onednn', '--precision', 'bf16'], first),
  'micro-f32': () => step(['--model', 'micro', '--batch', many, '--engine', 'onednn'], args.peer),
  'micro-onnx': () => step(['--model', 'micro', '--batch', many, '--engine', 'onnx'], []),
  'finetune-small': () =>
    step(
      ['--model', args.trial ? 'micro' : 'small', '--finetune', '--batch', batch, '--engine', 'onednn'],
      first,
    ),
  'segment-linear': () => step(segment('linear'), first),
  'segment-upernet': () => step(segment('upernet'), first),
  'detect-shapes': () =>
    step(['--detect', 'shapes', '--engine', 'onednn', ...(args.trial ? ['--batch', '2'] : [])], first),
  tasks: () =>
    [
      ['--model', base, '--batch', few, '--engine', 'onednn'],
      ['--model', base, '--batch', few, '--engine', 'onnx'],
      ['--model', 'micro', '--batch', many, '--engine', 'onednn'],
      ['--model', 'micro', '--batch', many, '--engine', 'onednn', '--precision', 'bf16'],
      ['--model', 'micro', '--batch', many, '--engine', 'onnx'],
    ].map(taskCost),
  scaling: () => scaling({ name: 'onednn' }, (_, done, total) => console.log(`  round ${done} of ${total}`)),
  soak: () =>
    JSON.parse(
      run(
        [script('run.mjs'), 'soak', '--json', ...(args.trial ? ['--steps', '40', '--batch', '4'] : [])],
        [0, 1],
      ),
    ),
  loader: () => {
    const sizes = args.trial ? ['--images', '64', '--rounds', '1'] : ['--images', '256', '--rounds', '3'];
    return run([script('run.mjs'), 'loader', ...sizes, ...first.flatMap((python) => ['--peer', python])]);
  },
};

mkdirSync(args.folder, { recursive: true });
const file = join(args.folder, 'performance.json');
const results = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results) : {};
const failed: string[] = [];
for (const name of chosen()) {
  const start = performance.now();
  console.log(`${name} …`);
  try {
    results[name] = await parts[name]!();
    writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
    console.log(`${name} took ${((performance.now() - start) / 1000).toFixed(0)} s`);
  } catch (error) {
    failed.push(name);
    console.error(`${name}: ${error instanceof Error ? error.message : error}`);
  }
}
if (results.scaling)
  writeFileSync(
    join(args.folder, 'scaling.svg'),
    scalingPlot(results.scaling as Parameters<typeof scalingPlot>[0]),
  );
const page = join(args.folder, 'performance.md');
if (existsSync(page)) writeFileSync(page, fillPage(readFileSync(page, 'utf8'), results));
console.log(`results in ${file}${existsSync(page) ? `, tables in ${page}` : ''}`);
if (failed.length > 0) {
  console.error(`not measured: ${failed.join(', ')}`);
  process.exitCode = 1;
}

function chosen(): string[] {
  if (args.only === 'none') return [];
  const names = args.only?.split(',') ?? Object.keys(parts);
  const unknown = names.find((name) => !parts[name]);
  if (unknown) throw new Error(`--only takes ${Object.keys(parts).join(', ')} or none, got ${unknown}`);
  return names;
}

/** Options of a step of semantic segmentation. */
function segment(head: string): string[] {
  const [model, side] = args.trial ? ['micro', '32'] : ['small', '512'];
  return ['--model', model, '--segment', head, '--image', side, '--batch', '4', '--engine', 'onednn'];
}

/** What masked + zoomed-in costs more than masked: times in runs where both take turns, memory in runs of one. */
function taskCost(options: readonly string[]): TaskCost {
  const [first, second] = ['masked', 'masked+zoomed-in'];
  const of = (task: string) => step([...options, '--task', task], []);
  const runs = Array.from({ length: args.trial ? 1 : 5 }, () => of(`${first},${second}`));
  const [{ model, batch, engine, rows }] = runs as [BenchResult, ...BenchResult[]];
  const flops = ({ gflops, stepSeconds }: BenchRow) => gflops * stepSeconds;
  return {
    model,
    batch,
    engine,
    times: runs.map((run) => run.rows[1]!.timeToFirst),
    products: flops(rows[1]!) / flops(rows[0]!),
    memory: of(second).peakGB / of(first).peakGB,
  };
}

/** Measures a training step in a separate process, for a separate memory peak. */
function step(options: readonly string[], peers: readonly string[]): BenchResult {
  const compared = peers.flatMap((python) => ['--compare', python]);
  const modes = args.trial ? ['--modes', 'eager'] : [];
  const all = ['bench', ...options, '--steps', steps, ...compared, ...modes, '--json'];
  return JSON.parse(run([script('../dist/cli/main.js'), ...all])) as BenchResult;
}

function run(command: readonly string[], good: readonly number[] = [0]): string {
  const { status, stdout, error } = spawnSync(process.execPath, command, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1e8,
  });
  if (error) throw error;
  if (!good.includes(status ?? -1)) throw new Error(`ended with status ${status}`);
  return stdout;
}

/** A file next to bench/dist/. */
function script(name: string): string {
  return fileURLToPath(new URL(`../${name}`, import.meta.url));
}
