import type { ChildProcess } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../src/config/schema.ts';
import { referenceEngine } from '../src/engines/reference/engine.ts';
import { finetune } from '../src/finetune.ts';
import { pretrain } from '../src/pretrain.ts';
import type { PretrainEvent } from '../src/run/events.ts';
import { runFolder } from '../src/run/folder.ts';
import { readMetrics } from '../src/run/metrics.ts';
import { commandLine, signalAt } from './support/command-line.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyFinetuneSettings, tinyImages, tinySettings } from './support/tiny-run.ts';

const folder = temporaryFolder();
const { launch, start } = commandLine(folder);

const tiny = ['pretrain', '--data', 'classes:images', '--batch-size', '4', '--backend', 'reference'];
const more = [
  'training.warmupEpochs=0.5',
  'data.heldOut=0.25',
  'checkpoints.every=0',
  'training.epochs=2000',
];
const sizes = [
  'image=[8,8]',
  'patch=4',
  'width=8',
  'depth=1',
  'heads=2',
  'decoder.width=8',
  'decoder.depth=1',
];
const settings = [...more, ...[...sizes, 'decoder.heads=2'].map((key) => `model.${key}`)];
const args = [...tiny, ...settings.flatMap((setting) => ['--set', setting]), '--json'];

beforeAll(async () => {
  await tinyImages(join(folder, 'images'), 27);
  await tinyImages(join(folder, 'many'), 300);
});

const checkpoints = (output: string) => readdir(join(folder, output, 'checkpoints'));

describe.skipIf(process.platform === 'win32')('a run is saved and ends', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const)('at %s', async (signal) => {
    const { code, err, out } = await start([...args, '--output', signal], signalAt(signal, 7));
    expect(err).toBe('stopping after this step and saving; press Ctrl-C again to stop at once\n');
    expect(code).toBe(130);
    const { step, outcome } = JSON.parse(out.trim().split('\n').at(-1)!);
    expect(outcome).toBe('interrupted');
    expect(await checkpoints(signal)).toContain(`step-${String(step).padStart(8, '0')}.safetensors`);
    expect(await readdir(join(folder, signal))).not.toContain('.lock');
  });

  it('once, however often a scheduler warns', async () => {
    const warn = (line: string, child: ChildProcess) => {
      if (JSON.parse(line).type !== 'step') return;
      for (const signal of ['SIGUSR1', 'SIGUSR1', 'SIGHUP', 'SIGTERM'] as const) child.kill(signal);
    };
    const { code, err } = await start([...args, '--output', 'warned'], warn);
    expect(err.match(/stopping/g)).toHaveLength(1);
    expect(code).toBe(130);
    expect((await checkpoints('warned')).length).toBeGreaterThan(0);
  });

  it('at the signal of another program, to all processes of the group', async () => {
    const output = ['--output', 'timed', '--backend', 'auto'];
    const { child, finished } = launch([...args, ...output], { shell: 'exec timeout -s USR2 15 "$@"' });
    expect(child.pid).toBeDefined();
    const { code, err } = await finished;
    expect(err).toMatch(/^stopping after this step and saving/m);
    expect(code).toBe(124); // as `timeout` says it
    expect(await checkpoints('timed')).not.toEqual([]);
  });
});

/** Pre-trains in this process, with a report of every phase; stops when `when` says so. */
async function stopAt(
  when: (event: PretrainEvent) => boolean,
  output: string,
  input: ConfigInput,
  scoreCache: string | false = false,
) {
  const controller = new AbortController();
  const events: PretrainEvent[] = [];
  let after = 0;
  const onEvent = (event: PretrainEvent) => {
    events.push(event);
    if (controller.signal.aborted) after += event.type === 'evaluating' ? 1 : 0;
    else if (when(event)) controller.abort(new Error('enough'));
  };
  const given = { output: join(folder, output), onEvent, signal: controller.signal, scoreCache };
  const result = await pretrain(input, { ...given, engine: referenceEngine, resume: true });
  return { result, events, after };
}

describe('a run with a kNN report', () => {
  const input = (): ConfigInput =>
    tinySettings(`classes:${join(folder, 'images')}`, { evaluation: { knnEvery: 1, reconstructions: 0 } });
  const measuring = (what: string) => (event: PretrainEvent) =>
    event.type === 'evaluating' && event.what === what;

  it.each(['kNN of random weights', 'kNN of raw pixels'])(
    'stops at the start while it measures: %s',
    async (what) => {
      const output = `start-${what.length}`;
      const { result, events, after } = await stopAt(measuring(what), output, input());
      expect(result).toMatchObject({ outcome: 'interrupted', step: 0 });
      expect(after).toBeLessThanOrEqual(1);
      expect(events.filter(({ type }) => type === 'knn' || type === 'step')).toEqual([]);
      const { result: whole } = await stopAt(() => false, output, input());
      expect(whole.outcome).toBe('finished');
      const rows = await readMetrics(runFolder(join(folder, output)));
      expect(rows.map(({ step }) => step)).toEqual([...Array(16).keys()]);
      expect(rows[0]!.knn).toMatchObject({ random: expect.any(Number), pixels: expect.any(Number) });
    },
  );

  it('tells how far each measurement is, to its end', async () => {
    const { events } = await stopAt(() => false, 'told', input());
    const last = new Map<string | undefined, number>();
    for (const event of events)
      if (event.type === 'evaluating') last.set(event.what, event.done / event.total);
    expect([...last]).toEqual([
      ['kNN of random weights', 1],
      ['kNN of raw pixels', 1],
      ['held-out loss', 1],
      ['label-free measures', 1],
      ['kNN of features', 1],
    ]);
  });

  it('does not measure random weights and pixels again', async () => {
    const scoreCache = join(folder, 'scores');
    const first = await stopAt(({ type }) => type === 'step', 'first', input(), scoreCache);
    const second = await stopAt(({ type }) => type === 'step', 'second', input(), scoreCache);
    const knn = (events: readonly PretrainEvent[]) => events.find(({ type }) => type === 'knn');
    expect(knn(second.events)).toEqual(knn(first.events));
    expect(first.events.some(({ type }) => type === 'evaluating')).toBe(true);
    expect(second.events.some(({ type }) => type === 'evaluating')).toBe(false);
    const other = { ...input(), seed: 4 };
    const third = await stopAt(({ type }) => type === 'step', 'third', other, scoreCache);
    expect(third.events.some(measuring('kNN of random weights'))).toBe(true);
  });
});

it.each([
  ['pretrain', 'held-out loss'],
  ['pretrain', 'kNN of features'],
  ['finetune', undefined],
] as const)('%s stops after an epoch while it measures %s, and ends the same', async (kind, what) => {
  const source = `classes:${join(folder, 'images')}`;
  const train = (output: string, onEvent: (event: { type: string }) => void, signal: AbortSignal) => {
    const given = { output: join(folder, output), onEvent, signal, resume: true };
    return kind === 'finetune'
      ? finetune(tinyFinetuneSettings(source, { data: { test: `classes:${join(folder, 'many')}` } }), given)
      : pretrain(tinySettings(source, { evaluation: { knnEvery: 1 } }), { ...given, scoreCache: false });
  };
  const rowsOf = async (output: string) =>
    (await readMetrics(runFolder(join(folder, output)))).map(({ seconds, imagesPerSecond, ...row }) => row);
  const [stopped, whole] = [`stopped-${kind}-${what}`, `whole-${kind}-${what}`];
  await train(whole, () => {}, new AbortController().signal);
  const perEpoch = (await rowsOf(whole)).at(-1)!.step / 3;
  let sittings = 0;
  for (let outcome = 'interrupted'; outcome === 'interrupted'; sittings++) {
    const controller = new AbortController();
    let isTraining = false;
    let after = 0;
    const onEvent = (event: { type: string; what?: string; step?: number }) => {
      if (event.type === 'step') isTraining = true;
      if (event.type !== 'evaluating') return;
      if (controller.signal.aborted) after++;
      else if (isTraining && event.what === what) controller.abort(new Error('enough'));
    };
    ({ outcome } = await train(stopped, onEvent, controller.signal));
    expect(after).toBeLessThanOrEqual(1);
    if (outcome === 'interrupted')
      expect((await rowsOf(stopped)).at(-1)).toMatchObject({
        step: perEpoch * (sittings + 1),
        unmeasured: true,
      });
  }
  expect(sittings).toBe(4); // after each of three epochs, and the end
  expect(await rowsOf(stopped)).toEqual(await rowsOf(whole));
});
