import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { commandHere } from './support/command-here.ts';
import { commandLine, outcome, signalAt } from './support/command-line.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyImages } from './support/tiny-run.ts';

const folder = temporaryFolder();
const { start, run } = commandLine(folder);
const here = commandHere(folder);
beforeAll(async () => {
  await tinyImages(join(folder, 'images'), 27);
});

/** Arguments for a model that trains in no time. */
const tiny = [
  ...['--data', 'classes:images', '--batch-size', '4', '--seed', '3', '--save-every', '2'],
  ...['training.warmupEpochs=0.5', 'data.heldOut=0.25', 'engine.threads=1'].flatMap((text) => [
    '--set',
    text,
  ]),
];
const sizes = ['model.image=8,8', 'model.patch=4', 'model.width=8', 'model.depth=1', 'model.heads=2'].flatMap(
  (text) => ['--set', text],
);
const decoder = ['width=8', 'depth=1', 'heads=2'].flatMap((text) => ['--set', `model.decoder.${text}`]);

it.each([
  ['--form x', "unknown option '--form'\n(Did you mean --from?)"],
  ['--quick --recipe imagenet-base-finetune', 'which has none: cifar10-micro-finetune has one'],
  [
    '--recipe cifar10-micro-fine',
    'unknown recipe of finetune "cifar10-micro-fine" (did you mean "cifar10-micro-finetune"?)',
  ],
  [
    '--set training.layerdecay=1',
    'unknown setting "training.layerdecay" (did you mean "training.layerDecay"?)',
  ],
  ['--labels 2', 'data.labels must lie in (0, 1], got 2'],
])('finetune %s: one message, exit code 2', async (line, message) => {
  const { code, out, err } = await here('finetune', ...line.split(' '));
  expect(err).toContain(message);
  expect(err).not.toMatch(/\n\s+at /);
  expect({ code, out }).toEqual({ code: 2, out: '' });
});

it.each([
  ['', 'images with classes are needed, got none'],
  ['--data classes:images --from nowhere', 'nowhere'],
  ['--resume nowhere', 'nowhere: no such file or folder'],
])('finetune %s: one message, exit code 1', async (line, message) => {
  const { code, err } = await here('finetune', ...line.split(' ').filter(Boolean));
  expect(err).toContain(message);
  expect(err).not.toMatch(/\n\s+at /);
  expect(code).toBe(1);
});

describe('fine-tuning', () => {
  it('goes on from a pre-trained model, and says what became of the weights', async () => {
    await run('pretrain', ...tiny, ...sizes, ...decoder, '--epochs', '1', '--output', 'pretrained');
    const args = ['finetune', '--from', 'pretrained', ...tiny, '--epochs', '2', '--output', 'tuned'];
    const tuned = await run(...args, '--tensorboard');
    expect(tuned.out).toMatch(
      /^encoder loaded from pretrained\/checkpoints\/step-00000005\.safetensors \(\d+ weights\); new classifier for 2 classes\n/,
    );
    expect(tuned.out).toMatch(/images +classes:\S+images: 20 of 2 classes, and 7 to evaluate on/);
    expect(tuned.out).toMatch(
      /epoch 2 done, step 10: loss [\d.]+, evaluation loss [\d.]+, top-1 \d+ % \(\d+–\d+ %\)\n/,
    );
    expect(tuned.out).toMatch(
      /finished, at step 10: tuned[\s\S]*best +tuned\/checkpoints\/best\.safetensors/,
    );
    expect(tuned.out).toMatch(/best +\d +trained +\d+ % \(\d+–\d+ %\)\njudged on 7 images only: /);
    expect(tuned.out).not.toContain('top-5'); // of two classes
    expect(tuned.code).toBe(0);
    expect(await readdir(join(folder, 'tuned', 'tensorboard'))).toHaveLength(1);
    const config = JSON.parse(await readFile(join(folder, 'tuned', 'config.json'), 'utf8'));
    expect(config).toMatchObject({ kind: 'finetune', from: 'pretrained', model: { width: 8 } });
    const again = await run('finetune', ...tiny, '--resume', 'tuned', '--set', 'training.dropPath=0.3');
    expect(again.err).toContain('a run must keep its settings, got training.dropPath 0.1 → 0.3');
    const other = await run('pretrain', '--resume', 'tuned');
    expect(other.err).toContain('tuned must hold a run of pretrain, got one of finetune');
  });

  it('that is killed at any moment goes on to the same end', async () => {
    const args = ['finetune', ...tiny, ...sizes, '--epochs', '4', '--set', 'training.ema=0.9', '--json'];
    await run(...args, '--output', 'whole');
    await start([...args, '--output', 'killed'], signalAt('SIGKILL', 5));
    await start([...args, '--output', 'killed', '--resume'], signalAt('SIGKILL', 9));
    const stopped = await start([...args, '--output', 'killed', '--resume'], signalAt('SIGINT', 12));
    expect(stopped.code).toBe(130);
    const last = await run('finetune', '--resume', 'killed');
    expect(last.out).toMatch(/resuming after step \d+[\s\S]*finished, at step 20/);
    const [whole, killed] = await Promise.all(['whole', 'killed'].map((name) => outcome(join(folder, name))));
    expect(killed).toEqual(whole);
    const best = (name: string) => readFile(join(folder, name, 'checkpoints', 'best.safetensors'));
    expect(await best('killed')).toEqual(await best('whole'));
  });

  it('is stopped by Ctrl-C with a checkpoint, and says how to go on', async () => {
    let signalled = false;
    const { code, err, out } = await start(
      [
        'finetune',
        ...tiny,
        ...sizes,
        '--epochs',
        '2000',
        '--output',
        'stopped',
        '--set',
        'checkpoints.every=0',
      ],
      (line, child) => {
        if (!line.startsWith('run ') || signalled) return;
        signalled = true;
        setTimeout(() => child.kill('SIGINT'), 500);
      },
    );
    expect(err).toContain('press Ctrl-C again to stop at once');
    expect(out).toMatch(
      /Stopped after step \d+ of 10000\. Resume with:\n {2}npx beyond-masking finetune --resume stopped/,
    );
    expect(code).toBe(130);
  });
});
