import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { rng } from '../src/random/rng.ts';
import { commandLine, outcome, signalAt } from './support/command-line.ts';
import { isMissing } from './support/libraries.ts';
import { PATIENT } from './support/patient.ts';
import { commandOf, cpuSeconds, descendantsOf, runs } from './support/processes.ts';
import { randomCheckpoint, randomClassifier } from './support/random-checkpoint.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyFinetuneSettings, tinyImages, tinySettings } from './support/tiny-run.ts';

const folder = temporaryFolder();
const { launch, run, start } = commandLine(folder);

const model = ['image=[8,8]', 'patch=4', 'width=8', 'depth=1', 'heads=2'];
const decoder = ['decoder.width=8', 'decoder.depth=1', 'decoder.heads=2'];
const set = (keys: readonly string[]) => keys.flatMap((key) => ['--set', `model.${key}`]);
const training = ['--data', 'classes:images', '--batch-size', '4', '--set', 'training.warmupEpochs=0.5'];
const held = ['--set', 'data.heldOut=0.25'];
const pretraining = ['pretrain', ...training, ...held, ...set([...model, ...decoder])];

beforeAll(async () => {
  await tinyImages(join(folder, 'images'), 27);
  await randomCheckpoint(join(folder, 'model.safetensors'), rng(1), tinySettings('classes:images'));
  const settings = tinyFinetuneSettings('classes:images');
  await randomClassifier(join(folder, 'head.safetensors'), rng(2), settings, ['class0', 'class1']);
});

/** Waits until a process has the engine's, and returns that one's number. */
async function engineOf(pid: number): Promise<number> {
  const isEngine = (child: number) => commandOf(child).some((word) => word.endsWith('onednn/process.js'));
  return vi.waitFor(
    () => {
      const found = descendantsOf(pid).find(isEngine);
      expect(found).toBeDefined();
      return found!;
    },
    { ...PATIENT, interval: 10 },
  );
}

const oneDnnIsMissing = isMissing('onednn');

describe.skipIf(oneDnnIsMissing)('when the process of the onednn engine is killed', () => {
  const engine = 'onednn';
  const death =
    /the onednn engine's process was killed \(SIGKILL\), as the system does where memory runs out; .*training\.microBatch/;
  const chosen = ['--engine', engine];

  it.each([
    ['pretrain', [...pretraining, '--output', 'dead-pretrain', ...chosen]],
    ['finetune', ['finetune', ...training, ...held, ...set(model), '--output', 'dead-finetune', ...chosen]],
    ['knn', ['knn', 'model.safetensors', ...chosen]],
    ['linprobe', ['linprobe', 'model.safetensors', ...chosen]],
    ['embed', ['embed', 'images', '--from', 'model.safetensors', '--output', 'dead.npy', ...chosen]],
    ['predict', ['predict', 'images', '--from', 'head.safetensors', ...chosen]],
    ['reconstruct', ['reconstruct', 'model.safetensors', 'images', ...chosen]],
    ['bench', ['bench', '--model', 'micro', '--batch', '8', '--engine', engine]],
  ])('%s says so', async (_, args) => {
    const { child, finished } = launch(args);
    process.kill(await engineOf(child.pid!), 'SIGKILL');
    const { code, err } = await finished;
    expect(err).toMatch(death);
    expect(err.trim().split('\n').length).toBeLessThanOrEqual(2);
    expect(err).not.toMatch(/^ +at /m);
    expect(code).toBe(1);
  });

  it('a run that had begun says where it can go on', async () => {
    const args = [...pretraining, '--epochs', '2000', '--output', 'begun', ...chosen, '--json'];
    let killed: Promise<boolean> | undefined;
    const { code, err } = await launch(args, {
      onLine: (line, child) => {
        if (line.includes('"checkpoint"'))
          killed ??= engineOf(child.pid!).then((pid) => process.kill(pid, 'SIGKILL'));
      },
    }).finished;
    await killed;
    expect(err).toMatch(death);
    expect(err).toMatch(
      /; the last good checkpoint is begun\/checkpoints\/step-.*: continue from it with --resume\n$/,
    );
    expect(code).toBe(1);
  });

  it('an engine that computes for long ends with the process that asked for it', async () => {
    const { child, finished } = launch(['bench', '--model', 'small', '--batch', '96', '--engine', engine]);
    const pid = await engineOf(child.pid!);
    // It is in a step by then, which takes longer than what follows.
    await vi.waitFor(() => expect(cpuSeconds(pid)).toBeGreaterThan(8), { timeout: 200_000, interval: 100 });
    child.kill('SIGKILL');
    await finished;
    await vi.waitFor(() => expect(runs(pid)).toBe(false), PATIENT);
  }, 240_000);
});

for (const engine of ['onednn', 'onnx', 'reference'])
  describe.skipIf(engine === 'onednn' && oneDnnIsMissing)(
    `when a run on the ${engine} engine is killed`,
    () => {
      const sparing = ['--set', 'engine.threads=1', '--set', 'checkpoints.every=5'];
      const args = [...pretraining, '--epochs', '8', '--backend', engine, ...sparing];

      it('nothing is left running, and the next start says what happened and ends the same', async () => {
        let left: number[] = [];
        const output = ['--output', `killed-${engine}`, '--resume'];
        const { code } = await launch([...args, ...output, '--json'], {
          onLine: (line, child) => {
            if (left.length === 0) left = descendantsOf(child.pid!);
            signalAt('SIGKILL', 13)(line, child);
          },
        }).finished;
        expect(code).toBe(null);
        await vi.waitFor(() => expect(left.filter(runs)).toEqual([]), PATIENT);
        const resumed = await run(...args, ...output);
        expect(resumed.out).toMatch(
          /^the run stopped (without saving at step 1\d \(process \d+ was killed, or the machine stopped\): the last checkpoint is of step 1\d, and steps 1\d to 1\d are computed again|at step 1\d: process \d+ was killed, or the machine stopped; nothing is lost)$/m,
        );
        expect(resumed.code).toBe(0);
        await start([...args, '--output', `whole-${engine}`]);
        const ends = await Promise.all(
          ['killed', 'whole'].map((name) => outcome(join(folder, `${name}-${engine}`))),
        );
        expect(ends[0]).toEqual(ends[1]);
      });
    },
  );

it('a run that was killed before its first checkpoint says so', async () => {
  const args = [...pretraining, '--epochs', '8', '--backend', 'reference', '--output', 'early', '--resume'];
  await start([...args, '--json'], signalAt('SIGKILL', 2));
  const { out } = await run(...args);
  expect(out).toMatch(
    /the run stopped without saving at step \d \(process \d+ was killed.*\): there is no checkpoint/,
  );
  expect(out).toContain('early holds no checkpoint yet: the run starts from the beginning');
  await rm(join(folder, 'early'), { recursive: true });
});
