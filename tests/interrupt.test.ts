import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { rng } from '../src/random/rng.ts';
import { commandLine } from './support/command-line.ts';
import { randomCheckpoint, randomClassifier } from './support/random-checkpoint.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyFinetuneSettings, tinySettings } from './support/tiny-run.ts';

const folder = temporaryFolder();
const { run } = commandLine(folder);

/** An npm that fetches nothing, and presses Ctrl-C on who called it. */
const npm = '#!/bin/sh\nkill -INT "$PPID"\nexec sleep 20\n';

beforeAll(async () => {
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin', 'npm'), npm, { mode: 0o755 });
  vi.stubEnv('PATH', `${join(folder, 'bin')}${delimiter}${process.env.PATH}`);
  const settings = tinySettings('cifar10');
  await randomCheckpoint(join(folder, 'model.safetensors'), rng(1), settings);
  await randomClassifier(join(folder, 'head.safetensors'), rng(2), tinyFinetuneSettings('cifar10'), [
    'a',
    'b',
  ]);
  const study = { arms: ['masked'], seeds: [1], pretrain: settings, knn: {} };
  await writeFile(join(folder, 'study.json'), JSON.stringify(study));
});
afterAll(() => {
  vi.unstubAllEnvs();
});

it.each([
  ['data fetch', 'stopped; nothing is kept'],
  ['data count', 'stopped; nothing is kept'],
  ['data verify cifar10:test', 'stopped; nothing is kept'],
  ['data pack cifar10 --output pack', 'stopped; what is packed is kept: the same command goes on with it'],
  ['preview', 'stopped; nothing is kept'],
  ['reconstruct model.safetensors', 'stopped; nothing was written'],
  ['reconstruct model.safetensors cifar10', 'stopped; nothing was written'],
  ['study study.json', 'stopped; go on with:\n  npx beyond-masking study study.json --output runs/study'],
  ['study study.json --list', 'stopped; nothing is kept'],
  ['study study.json --tabulate', 'stopped; nothing is kept'],
  ['knn model.safetensors', 'stopped; what was computed is kept: the same command goes on from it'],
  ['knn model.safetensors --no-cache', 'stopped; nothing was kept, as --no-cache says'],
  ['linprobe model.safetensors', 'stopped; features are kept; with --output, training is too'],
  [
    'linprobe model.safetensors --output probe',
    'stopped; what was computed is kept: the same command goes on from it',
  ],
  ['linprobe model.safetensors --no-cache', 'stopped; nothing was kept, as --no-cache says'],
  [
    'embed cifar10 --from model.safetensors --output a.npy --no-cache',
    'stopped; nothing was kept, as --no-cache says',
  ],
  ['predict cifar10:test --from head.safetensors', 'stopped; nothing was kept: --output keeps what is done'],
])('%s tells of the fetch, and Ctrl-C ends it', async (line, message) => {
  const { code, out, err } = await run(...line.split(' '));
  expect(err).toMatch(/^(fetching CIFAR-10 \(139 MB\)|CIFAR-10: download {2}0\/\d+)\nstopping/);
  expect(err).toContain(`\n${message}\n`);
  expect({ code, out }).toEqual({ code: 130, out: '' });
  expect(await readdir(join(folder, 'cache'))).toEqual([]);
});
