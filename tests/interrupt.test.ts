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
  ['data fetch', 'Stopped; nothing is kept'],
  ['data count', 'Stopped; nothing is kept'],
  ['data verify cifar10:test', 'Stopped; nothing is kept'],
  [
    'data pack cifar10 --output pack',
    'Stopped; the packed images were saved: run the same command again to continue',
  ],
  ['preview', 'Stopped; nothing is kept'],
  ['reconstruct model.safetensors', 'Stopped; nothing was written'],
  ['reconstruct model.safetensors cifar10', 'Stopped; nothing was written'],
  ['study study.json', 'Stopped. Resume with:\n  npx beyond-masking study study.json --output runs/study'],
  ['study study.json --list', 'Stopped; nothing is kept'],
  ['study study.json --tabulate', 'Stopped; nothing is kept'],
  ['knn model.safetensors', 'Stopped; finished work was saved: run the same command again to continue'],
  ['knn model.safetensors --no-cache', 'Stopped; nothing was kept, as --no-cache says'],
  ['linprobe model.safetensors', 'Stopped; features are kept; with --output, training is too'],
  [
    'linprobe model.safetensors --output probe',
    'Stopped; finished work was saved: run the same command again to continue',
  ],
  ['linprobe model.safetensors --no-cache', 'Stopped; nothing was kept, as --no-cache says'],
  [
    'embed cifar10 --from model.safetensors --output a.npy --no-cache',
    'Stopped; nothing was kept, as --no-cache says',
  ],
  ['predict cifar10:test --from head.safetensors', 'Stopped; nothing was kept: --output keeps what is done'],
])('%s tells of the fetch, and Ctrl-C ends it', async (line, message) => {
  const { code, out, err } = await run(...line.split(' '));
  expect(err).toMatch(/^(fetching CIFAR-10 \(139 MB\)|CIFAR-10: download {2}0\/\d+)\nstopping/);
  expect(err).toContain(`\n${message}\n`);
  expect({ code, out }).toEqual({ code: 130, out: '' });
  expect(await readdir(join(folder, 'cache'))).toEqual([]);
});
