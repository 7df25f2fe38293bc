/**
 * Compiles training steps for an H100 with XLA, without a GPU, and counts kernels and the bytes that they read and write:
 * this project's step and JAX's on the same shapes. Needs the plugin of `beyond-masking setup cuda13` and a Python with JAX.
 *
 *   npm run bench -- traffic --jax PYTHON
 *   npm run bench -- traffic --jax PYTHON --tasks masked+zoomed-in,masked+blurred --batch 512
 *
 * Nothing runs: kernels are chosen without trials (XLA's own for JAX's products, cuBLAS for this project's), and the only cost
 * counted is memory traffic. That says little about products, which compute much per byte; everything else is bound by memory.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writePeerStep } from '#dist/bench/peer.js';
import { pretrainStep } from '#dist/bench/step.js';
import { libraryProducts } from '#dist/engines/xla/engine.js';
import { findPlugins } from '#dist/engines/xla/plugins.js';
import { stepModule } from '#dist/engines/xla/step-module.js';
import { cacheFolder } from '#dist/io/cache-folder.js';
import { modelConfig } from '#dist/models/sizes.js';
import { initialiseOnThreads } from '#dist/run/initialise-on-threads.js';

const { values: args } = parseArgs({
  options: {
    model: { type: 'string', default: 'base' },
    batch: { type: 'string', default: '256' },
    tasks: { type: 'string', default: 'masked' },
    jax: { type: 'string', default: 'python3' },
  },
});
const plugins = await findPlugins({ env: {}, cache: join(cacheFolder(), 'pjrt') });
const plugin = plugins.find(({ platform }) => platform === 'cuda');
if (!plugin) throw new Error('the traffic of a GPU takes its plugin: beyond-masking setup cuda13');

const forms = [
  { attention: 'fused', kernels: true },
  { attention: 'fused' },
  { attention: 'padded' },
  { attention: 'parts' },
  { attention: 'fused', kernels: true, gradients: 'bf16' },
] as const;
const folder = mkdtempSync(join(tmpdir(), 'traffic-'));
try {
  const files: string[] = [];
  const peers: string[] = [];
  for (const task of args.tasks.split(',')) {
    const step = pretrainStep(modelConfig(args.model), task, Number(args.batch));
    for (const form of task === 'masked' ? forms : forms.slice(0, 1)) {
      const label = Object.entries(form).map(([name, value]) => (value === true ? name : `${name} ${value}`));
      const file = join(folder, `${[task, ...label].join(', ')}.mlir`);
      const whole = { precision: 'bf16', count: 1, replicas: 1, ...form } as const;
      writeFileSync(file, stepModule(step.plan, (name) => !(name in step.inputs), whole).text);
      files.push(file);
    }
    if (task !== 'masked') continue;
    const file = join(folder, 'step.safetensors');
    await writePeerStep(file, step, await initialiseOnThreads(step.specs, 1));
    peers.push('--peer', file);
  }
  const flags = Object.entries(libraryProducts).map(([name, value]) => `--flag=${name}=${value}`);
  const script = fileURLToPath(new URL('../peers/h100_traffic.py', import.meta.url));
  const all = [script, '--plugin', plugin.path, ...flags, ...peers, ...files];
  const { status } = spawnSync(args.jax, all, { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
