import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  type Cursor,
  drawBatch,
  EngineHost,
  type EngineWorker,
  initialise,
  learningRate,
  memoryBatches,
  memoryStore,
  memoryViews,
  metricsOf,
  openPageEngine,
  optimizerPlan,
  pretraining,
  pretrainPrograms,
  programSetup,
  type RawImage,
  type RunningEvent,
  type RunStore,
  randomResizedCrop,
  resolveConfig,
  resumeFrom,
  rng,
  runTraining,
  server,
  taskOf,
} from '../src/browser.ts';
import type { Engine } from '../src/engines/engine.ts';
import { openOnnxEngine } from '../src/engines/onnx/engine.ts';
import { seed } from './support/random.ts';

const BATCH = 8;
const STEPS = 4;

/** An engine behind the port of a page's worker: messages are copied. */
function makeWorker(): EngineWorker {
  const serve = server(
    new EngineHost({
      async load(threads) {
        const ort = await import('onnxruntime-web');
        ort.env.wasm.numThreads = threads;
        return { ort, native: false, version: ort.env.versions.web ?? '' };
      },
    }),
  );
  const listeners: ((event: { readonly data: unknown }) => void)[] = [];
  return {
    async postMessage(message) {
      const { answer, moved } = await serve(structuredClone(message) as Parameters<typeof serve>[0]);
      const data = structuredClone(answer, { transfer: moved });
      for (const listener of listeners) listener({ data });
    },
    addEventListener(type: string, listener: (event: never) => void) {
      if (type === 'message') listeners.push(listener as (typeof listeners)[number]);
    },
    terminate() {},
  };
}

/** Pictures of random waves, which have no flat patches. */
function waves(count: number): RawImage[] {
  const random = rng(seed);
  return Array.from({ length: count }, () => {
    const [width, height, channels] = [40, 36, 3];
    const numbers = Array.from({ length: 9 }, () => 0.3 + 0.7 * random.uniform());
    const data = Uint8Array.from({ length: width * height * channels }, (_, i) => {
      const [x, y, c] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3];
      return 127 + 120 * Math.sin(x * numbers[c]! + y * numbers[3 + c]! + 6 * numbers[6 + c]!);
    });
    return { width, height, channels, data };
  });
}

/** Losses of a few steps of pre-training. */
async function train(engine: Engine): Promise<number[]> {
  const config = resolveConfig({ recipe: 'cifar10-micro-masked-zoomed-in', seed });
  const { model, data, training } = config;
  const pretext = taskOf(config.task);
  const { gradients, specs, parameters } = pretrainPrograms({
    model,
    task: pretext,
    maskRatio: config.task.maskRatio,
    batch: BATCH,
    mean: data.mean,
    std: data.std,
    weightDecay: training.weightDecay,
  });
  const plan = optimizerPlan(training, gradients, parameters);
  const session = await engine.open(initialise(specs, seed));
  const views = memoryBatches(waves(20), {
    size: pretext.view(model.image),
    batchSize: BATCH,
    seed,
    crop: randomResizedCrop({ scale: data.scale, ratio: data.ratio, flip: data.flip }),
  });
  const losses: number[] = [];
  for (let step = 1; step <= STEPS; step++) {
    const { view, rngs } = views.next().value;
    const lr = learningRate(step, { peak: 1e-3, warmupSteps: 1, totalSteps: 10, floor: 0 });
    const inputs = { view, ...drawBatch(pretext, model, rngs) };
    const { metrics } = await session.step(plan, [inputs], { step, lr });
    losses.push(metrics.loss!);
  }
  await session.dispose();
  return losses;
}

test('steps through beyond-masking/browser give the losses of the ordinary onnx engine, within 1e-5', async () => {
  const page = await train(await openPageEngine(makeWorker));
  const native = await train(await openOnnxEngine({ threads: 1 }));
  expect(page).toHaveLength(STEPS);
  expect(new Set(page).size).toBe(STEPS);
  for (const [i, loss] of page.entries())
    expect(Math.abs(loss - native[i]!) / native[i]!, `SEED=${seed}, ${page} and ${native}`).toBeLessThan(
      1e-5,
    );
});

/** Pre-trains in a store, from its newest checkpoint on, until the signal is aborted. */
async function runIn(store: RunStore, engine: Engine, emit = (_: RunningEvent) => {}, signal?: AbortSignal) {
  const config = resolveConfig({
    recipe: 'cifar10-micro-masked-zoomed-in',
    seed,
    training: { batchSize: BATCH, microBatch: 0, epochs: 2, warmupEpochs: 1 },
    checkpoints: { every: 1, keep: 2 },
  });
  const images = waves(20);
  const { data, model } = config;
  const setup = programSetup(config);
  const checkpoint = await resumeFrom(store, pretraining);
  const run = {
    ...{ kind: pretraining, config, images, dataKey: 'waves', setup, engine, store, checkpoint },
    views: (given: { readonly batchSize: number; readonly cursor: Cursor }) =>
      memoryViews(images, {
        ...{ ...given, seed, size: setup.task.view(model.image) },
        crop: randomResizedCrop({ scale: data.scale, ratio: data.ratio, flip: data.flip }),
      }),
    state: checkpoint?.state ?? initialise(setup.programs(BATCH).specs, seed),
  };
  return runTraining(run, { emit, signal });
}

/** What a run leaves, but for its times. */
async function left(store: RunStore) {
  const rows = (await metricsOf(store)).map(({ seconds, imagesPerSecond, ...row }) => row);
  const names = (await store.list('checkpoints')).sort();
  const bytes = await Promise.all(names.map((name) => store.read(`checkpoints/${name}`)));
  const digests = bytes.map((each) => createHash('sha256').update(each!).digest('hex'));
  return { rows, names, digests };
}

test('a run in a page keeps checkpoints in a store, and goes on from them bit for bit', async () => {
  const engine = await openPageEngine(makeWorker);
  const whole = memoryStore();
  expect(await runIn(whole, engine)).toEqual({ outcome: 'finished', step: 4 });
  const expected = await left(whole);
  expect(expected.rows.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  expect(expected.names).toEqual(['step-00000003.safetensors', 'step-00000004.safetensors']);
  const curves = new TextDecoder().decode(await whole.read('curves.svg'));
  expect(curves).toContain('<svg');

  const store = memoryStore();
  const stopAt = 1 + rng(seed, 'stop').int(3);
  const controller = new AbortController();
  const stopped = await runIn(
    store,
    engine,
    (event) => event.type === 'step' && event.row.step === stopAt && controller.abort(),
    controller.signal,
  );
  expect(stopped.outcome, `SEED=${seed}`).toBe('interrupted');
  // As after a crash, the metrics know more than the newest checkpoint.
  await store.append('metrics.jsonl', { step: stopped.step + 1, loss: 0 });
  const started: number[] = [];
  const ended = await runIn(store, engine, (event) => {
    if ((event as { type: string }).type === 'start')
      started.push((event as unknown as { step: number }).step);
  });
  expect(started).toEqual([stopped.step]);
  expect(ended).toEqual({ outcome: 'finished', step: 4 });
  expect(await left(store), `SEED=${seed}`).toEqual(expected);
});

test('a worker whose script does not load says so', async () => {
  const broken = (): EngineWorker => {
    let report = (_: { readonly message?: string }) => {};
    return {
      postMessage: () => queueMicrotask(() => report({ message: 'no such script' })),
      addEventListener(type: string, listener: (event: never) => void) {
        if (type === 'error') report = listener as typeof report;
      },
      terminate() {},
    };
  };
  await expect(openPageEngine(broken)).rejects.toThrow("the onnx engine's worker died: no such script");
});
