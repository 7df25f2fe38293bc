/*
 * Makes tests/fixtures/before-seams with the code of an earlier version, which must be built:
 *
 *   git worktree add ../before-seams before-seams && cd ../before-seams && npm ci && npm run build && cd -
 *   node tests/support/make-before-seams.mjs ../before-seams
 *
 * The fixtures are interrupted runs, each with the metrics and weights of an uninterrupted one; outputs of commands on one of
 * them (`outputs`), and folders of its judges (`judged`); a pack; and the kept parts of a study with its page. Only dates and
 * times differ from call to call.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';

const earlier = resolve(process.argv.splice(2)[0] ?? '.'); // runs record the rest of the command
const {
  exportModel,
  finetune,
  inspectModel,
  knn,
  linprobe,
  pretrain,
  reconstruct,
  readMetrics,
  readSafetensors,
  referenceEngine,
  rng,
  runFolder,
  writeSafetensors,
} = await import(pathToFileURL(join(earlier, 'dist/index.js')).href);
const target = fileURLToPath(new URL('../fixtures/before-seams', import.meta.url));
const work = await mkdtemp(join(tmpdir(), 'before-seams-'));
const at = (...parts) => join(work, ...parts);
const cli = (...args) =>
  promisify(execFile)(process.execPath, [join(earlier, 'dist/cli/main.js'), ...args], {
    cwd: work,
    env: { ...process.env, BEYOND_MASKING_CACHE: `${work}-cache` },
  });

/** 24 noisy pictures in two classes, each class with a faint tint, and a broken one. */
async function drawPictures() {
  const [width, height] = [22, 20];
  for (let i = 0; i < 24; i++) {
    const stream = rng(1, 'before-seams', i);
    const label = i % 2;
    const grey = [];
    for (let y = 0; y < height / 2; y++) for (let x = 0; x < width / 2; x++) grey.push(stream.int(128));
    const pixels = Uint8Array.from({ length: width * height * 3 }, (_, k) => {
      const [x, y] = [Math.floor(k / 3) % width, Math.floor(k / 3 / width)];
      return grey[(y >> 1) * (width / 2) + (x >> 1)] + (k % 3 === label ? 6 : 0);
    });
    const path = at('pictures', `class${label}`, `${String(i).padStart(2, '0')}.png`);
    await sharp(pixels, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(path);
  }
  const whole = await readFile(at('pictures', 'class0', '00.png'));
  await writeFile(at('pictures', 'class1', 'torn.png'), whole.subarray(0, 200));
}

const tiny = {
  seed: 3,
  data: { source: `classes:${at('pictures')}`, heldOut: 0.25 },
  model: { image: [16, 16], patch: 4, width: 8, depth: 1, heads: 2, mlpRatio: 2 },
  training: { epochs: 3, batchSize: 4, warmupEpochs: 0.5, learningRate: 0.5 },
  checkpoints: { every: 2, keep: 1 },
  engine: { name: 'reference', threads: 1 },
};
const autoencoder = (task, more = {}) => ({
  ...tiny,
  ...more,
  model: { ...tiny.model, decoder: { width: 8, depth: 1, heads: 2 }, ...more.model },
  task: { name: task, maskRatio: 0.5, ...more.task },
  training: { ...tiny.training, ...more.training },
  evaluation: { heldOutImages: 6, reconstructions: 1, knnEvery: 2 },
});
const classifier = (more = {}) => ({
  ...tiny,
  ...more,
  data: { ...tiny.data, randAugment: 'rand-m9-mstd0.5-inc1', erasing: 0.5 },
  model: { ...tiny.model, ...more.model },
  training: {
    ...tiny.training,
    ...{ dropPath: 0.2, layerDecay: 0.75, microBatch: 2, mixMode: 'element', ema: 0.8, clip: 1 },
  },
});
const zoomed = { model: { depth: 2, classToken: true, positions: 'sincos2d', target: 'patch' } };
const onnx = { engine: { name: 'onnx', threads: 1 } };

/** Runs by name: kind, settings, options and the step of the interruption; 0: none. */
const runs = {
  finished: [pretrain, autoencoder('masked+zoomed-out', { training: { epochs: 1 } }), {}, 0],
  masked: [pretrain, autoencoder('masked', { model: { positions: 'learned', target: 'none' } }), {}, 5],
  'masked+zoomed-in': [pretrain, autoencoder('masked+zoomed-in', zoomed), {}, 5],
  'masked+zoomed-in-onnx': [pretrain, autoencoder('masked+zoomed-in', { ...zoomed, ...onnx }), {}, 5],
  blurred: [pretrain, autoencoder('blurred'), {}, 6],
  'blurred-onnx': [pretrain, autoencoder('blurred', onnx), {}, 6],
  distorted: [
    pretrain,
    autoencoder('distorted', { training: { microBatch: 2, clip: 0.5, nonFinite: 'skip' } }),
    {},
    'killed at 7',
  ],
  'masked+de-colorized': [
    pretrain,
    autoencoder('masked+de-colorized', { model: { target: 'patch' } }),
    {},
    3,
  ],
  'zoomed-out': [
    pretrain,
    autoencoder('zoomed-out', { model: { image: [16, 24] } }),
    { initFrom: at('trained', 'finished') },
    9,
  ],
  'zoomed-in': [pretrain, autoencoder('zoomed-in', { training: { maxSteps: 10 } }), {}, 4],
  'super-resolution-grey': [
    pretrain,
    autoencoder('super-resolution', {
      data: { ...tiny.data, mean: [0.5], std: [0.25] },
      model: { channels: 1 },
    }),
    {},
    1,
  ],
  'masked+blurred-packed': [
    pretrain,
    autoencoder('masked+blurred', { data: { ...tiny.data, source: `packed:${at('pack')}` } }),
    {},
    5,
  ],
  finetune: [
    finetune,
    classifier({ model: { depth: 2, classToken: true, positions: 'sincos2d', pooling: 'token' } }),
    { from: at('trained', 'masked+zoomed-in') },
    5,
  ],
  'finetune-onnx': [finetune, classifier(onnx), {}, 5],
};

const study = {
  title: 'Before the seams',
  seeds: [1, 2],
  pretrain: {
    ...autoencoder('masked', { data: { ...tiny.data, source: 'classes:pictures' }, training: { epochs: 1 } }),
    seed: undefined,
    task: { maskRatio: 0.5 },
    evaluation: { heldOutImages: 6, reconstructions: 0 },
  },
  knn: { trainImages: 0 },
  linear: { epochs: 2, warmupEpochs: 0, batchSize: 8 },
  finetune: [
    {
      data: { labels: 0.5 },
      training: { epochs: 1, batchSize: 4, warmupEpochs: 0 },
      engine: tiny.engine,
    },
  ],
  groups: [
    { name: 'A', budgets: ['steps'], arms: ['scratch', 'masked', 'masked+zoomed-in'] },
    {
      ...{ name: 'B', budgets: ['steps'], judges: ['knn'] },
      arms: [{ name: 'ours', task: 'blurred', settings: { model: { target: 'patch' } } }],
    },
  ],
  primary: { group: 'A', judge: 'kNN', arms: ['masked+zoomed-in', 'masked'] },
};

async function makeRun(name, [train, settings, options, stop]) {
  const whole = { ...options, output: at('whole', name), scoreCache: false };
  await train(settings, whole);
  if (stop === 0) await cp(at('whole', name), at('trained', name), { recursive: true });
  else {
    const controller = new AbortController();
    const killed = typeof stop === 'string';
    const last = killed ? Number(stop.split(' ').at(-1)) : stop;
    const onEvent = ({ type, row }) => {
      if (type !== 'step' || row.step !== last) return;
      if (killed) throw new Error('killed');
      controller.abort();
    };
    const stopped = { ...whole, output: at('trained', name), onEvent, signal: controller.signal };
    await train(settings, stopped).catch((error) => {
      if (error.cause?.message !== 'killed') throw error;
    });
  }
  // The same run with one more epoch, for a finished run.
  if (stop === 0) await train({ training: { epochs: 2 } }, { ...whole, resume: true });
  const { path } = runFolder(at('trained', name));
  await rm(join(path, 'curves.svg'), { force: true });
  await rm(join(path, 'reconstructions'), { recursive: true, force: true });
  const { newest, tensors } = await weights(at('whole', name));
  await writeSafetensors(join(path, 'expected.safetensors'), tensors);
  const rows = (await readMetrics(runFolder(at('whole', name)))).map(
    ({ seconds, imagesPerSecond, ...row }) => `${JSON.stringify(row)}\n`,
  );
  await writeFile(join(path, 'expected.jsonl'), rows.join(''));
  console.log(name, newest);
}

/** The weights of a run's newest checkpoint, without the optimizer's slots. */
async function weights(run) {
  const folder = join(run, 'checkpoints');
  const newest = (await readdir(folder))
    .filter((file) => file.startsWith('step-'))
    .sort()
    .at(-1);
  const { tensors } = await readSafetensors(join(folder, newest));
  return { newest, tensors: new Map([...tensors].filter(([name]) => !name.includes(':'))) };
}

/** Runs the judges on a run, each into a folder. */
async function judge(run) {
  const reference = { featureCache: false, engine: referenceEngine };
  await knn(run, { ...reference, output: at('judged', 'knn') });
  const settings = { epochs: 4, warmupEpochs: 0, batchSize: 8, learningRates: [0.1, 1] };
  await linprobe(run, { ...reference, settings, output: at('judged', 'linprobe') });
}

/** Outputs of commands on a run. */
async function makeOutputs(run) {
  const folder = at('outputs');
  await mkdir(folder);
  const keep = (name, value) => writeFile(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
  await keep('knn.json', await knn(run, { featureCache: false, engine: referenceEngine }));
  await keep('parts.json', (await inspectModel(run)).parts);
  await writeFile(join(folder, 'reconstructions.png'), await reconstruct(run, { count: 2 }));
  const output = at('exported');
  await exportModel(run, { format: 'huggingface', part: 'autoencoder', output });
  await cp(join(output, 'model.safetensors'), join(folder, 'huggingface.safetensors'));
  await rm(output, { recursive: true });
}

/** Makes paths of this machine relative. */
async function forgetPaths(folder) {
  const relative = (text) => text.replaceAll(`${work}/`, '');
  for (const entry of await readdir(folder, { recursive: true })) {
    const path = join(folder, entry);
    if (/\.jsonl?$/.test(entry)) await writeFile(path, relative(await readFile(path, 'utf8')));
    if (/checkpoints.*\.safetensors$/.test(entry)) {
      const { tensors, metadata } = await readSafetensors(path);
      const entries = Object.entries(metadata).map(([key, value]) => [key, relative(value)]);
      await writeSafetensors(path, tensors, Object.fromEntries(entries));
    }
  }
}

for (const folder of ['pictures/class0', 'pictures/class1', 'trained', 'whole'])
  await mkdir(at(folder), { recursive: true });
await drawPictures();
await cli('data', 'pack', 'classes:pictures', '--output', 'pack', '--resize', '18');
for (const [name, run] of Object.entries(runs)) await makeRun(name, run);
await makeOutputs(at('trained', 'masked+zoomed-in'));
await judge(at('trained', 'masked+zoomed-in'));
await writeFile(at('study.json'), `${JSON.stringify(study, null, 2)}\n`);
await cli('study', 'study.json', '--output', 'study', '--keep', 'kept');
await cli('study', 'study.json', '--output', 'study', '--keep', 'kept', '--page', 'page.md');
await rm(at('page-pictures'), { recursive: true, force: true });
for (const folder of ['whole', 'study']) await rm(at(folder), { recursive: true });
await forgetPaths(work);
await rm(target, { recursive: true, force: true });
await cp(work, target, { recursive: true });
await rm(work, { recursive: true });
await rm(`${work}-cache`, { recursive: true, force: true });
console.log(target);
