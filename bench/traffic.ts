/**
 * What XLA makes of a training step for an H100, without one: kernels, and bytes that they read and write, of our step and of
 * JAX's on the same shapes. Takes the plugin of `beyond-masking setup cuda13` and a Python with JAX, which hands it programs.
 *
 *   npm run bench -- traffic --jax PYTHON
 *   npm run bench -- traffic --jax PYTHON --task masked+zoomed-in --batch 512
 *
 * Nothing is run: kernels are chosen without trials, and what else a GPU does beside moving bytes is not told. Of products that
 * read and write little beside what they compute it says little; all else is bound by memory.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  cacheFolder,
  findPlugins,
  initialiseOnThreads,
  modelConfig,
  pretrainStep,
  stepModule,
  writePeerStep,
} from 'beyond-masking';

const { values: args } = parseArgs({
  options: {
    model: { type: 'string', default: 'base' },
    batch: { type: 'string', default: '256' },
    task: { type: 'string', default: 'masked' },
    jax: { type: 'string', default: 'python3' },
  },
});
const plugins = await findPlugins({ env: {}, cache: join(cacheFolder(), 'pjrt') });
const plugin = plugins.find(({ platform }) => platform === 'cuda');
if (!plugin) throw new Error('the traffic of a GPU takes its plugin: beyond-masking setup cuda13');

const step = pretrainStep(modelConfig(args.model), args.task, Number(args.batch));
const folder = mkdtempSync(join(tmpdir(), 'traffic-'));
try {
  const programs = ['fused', 'padded', 'parts'] as const;
  const files = programs.map((attention) => {
    const form = { precision: 'bf16', attention, count: 1, replicas: 1 } as const;
    const file = join(folder, `ours, attention ${attention}.mlir`);
    writeFileSync(file, stepModule(step.plan, (name) => !(name in step.inputs), form).text);
    return file;
  });
  const peers: string[] = [];
  if (args.task === 'masked') {
    const file = join(folder, 'step.safetensors');
    await writePeerStep(file, step, await initialiseOnThreads(step.specs, 1));
    peers.push('--peer', file);
  }
  const script = fileURLToPath(new URL('../peers/h100_traffic.py', import.meta.url));
  const all = [script, '--plugin', plugin.path, ...peers, ...files];
  const { status } = spawnSync(args.jax, all, { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
