import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { tinyFinetuneSettings, tinyImages, tinySettings } from '../../tests/support/tiny-run.ts';
import type { ConfigInput } from '../config/schema.ts';
import { embed } from '../evaluate/features/embed.ts';
import { knn } from '../evaluate/knn/knn-report.ts';
import { linprobe } from '../evaluate/probe/linprobe.ts';
import { finetune } from '../finetune.ts';
import { mul } from '../graph/index.ts';
import { targetOf } from '../nn/targets/table.ts';
import type { NamedTarget } from '../nn/targets/target.ts';
import { pretrain, type RunOptions } from '../pretrain.ts';
import { reconstruct } from '../reconstruct.ts';
import { runFolder } from '../run/folder.ts';
import { readMetrics } from '../run/metrics.ts';
import { plain } from '../tasks/plain.ts';
import type { MaskGenerator, PretextTask } from '../tasks/task.ts';
import { openModel } from '../weights/model.ts';
import { exportModel } from '../weights/out/export.ts';
import type { RunEvaluator } from './evaluator.ts';
import type { Parts } from './parts.ts';

const folder = temporaryFolder();
beforeAll(async () => {
  await tinyImages(`${folder}/images`, 16);
  await writeFile(join(folder, 'augment.mjs'), AUGMENT);
});

/** An augmentation and a decoder of the user's own, which run on threads. */
const AUGMENT = `
export const darken = ({ by }) => (image, rng) => {
  const share = 1 - by * rng.uniform(0, 1);
  return { ...image, data: image.data.map((value) => Math.round(value * share)) };
};
export const small = () => (image) => ({ ...image, width: 1 });
export const broken = () => () => { throw new Error('out of paint'); };
export const nothing = () => undefined;
export const decode = ({ seed }) => ({
  width: 9, height: 9, channels: 3, data: Uint8Array.from({ length: 243 }, (_, i) => (i * (seed + 3)) % 256),
});
`;

const inverted: PretextTask = {
  ...plain,
  name: 'inverted',
  summary: 'black for white',
  degrade: (view) => mul(view, -1),
};
const halves: MaskGenerator = {
  name: 'halves',
  summary: 'the lower half',
  order: (_, { image, patch }) =>
    Int32Array.from({ length: (image[0] * image[1]) / patch ** 2 }, (_, i) => i),
};
const doubled: NamedTarget = {
  ...targetOf('none'),
  name: 'doubled',
  summary: 'pixels times two',
  of: (...args) => mul(targetOf('none').of(...args), 2),
};
const augmentation = (name: string) => ({
  name,
  module: pathToFileURL(join(folder, 'augment.mjs')).href,
  export: name,
  options: { by: 0.5 },
});

const run = (name: string, settings: ConfigInput, options: Partial<RunOptions> = {}) =>
  pretrain(tinySettings(`${folder}/images`, settings), {
    output: `${folder}/${name}`,
    scoreCache: false,
    ...options,
  });
const configOf = (name: string) => JSON.parse(readFileSync(`${folder}/${name}/config.json`, 'utf8'));
const parts: Parts = { tasks: [inverted], masks: [halves], targets: [doubled] };
const settings: ConfigInput = {
  task: { name: 'masked+inverted', mask: 'halves' },
  model: { target: 'doubled' },
};

describe('a run with a task, a mask and a target of the user', () => {
  it('trains, says so in its settings, and resumes to the same losses', async () => {
    await run('whole', settings, { parts });
    expect(configOf('whole').own).toEqual({ tasks: ['inverted'], masks: ['halves'], targets: ['doubled'] });
    await run('parted', { ...settings, training: { maxSteps: 4 } }, { parts });
    await expect(run('parted', { ...settings, training: { maxSteps: 0 } }, { resume: true })).rejects.toThrow(
      'the run needs its own task "inverted", got none of that name: hand it in, as in { parts: { tasks: [...] } }, or on the command line with --task-file FILE',
    );
    await expect(
      run(
        'parted',
        { ...settings, training: { maxSteps: 0 } },
        { resume: true, parts: { ...parts, masks: [] } },
      ),
    ).rejects.toThrow('the run needs its own mask generator "halves"');
    await run('parted', { ...settings, training: { maxSteps: 0 } }, { resume: true, parts });
    const losses = async (name: string) =>
      (await readMetrics(runFolder(`${folder}/${name}`))).map(({ loss }) => loss);
    expect(await losses('parted')).toEqual(await losses('whole'));
  });

  it('computes what the library computes, where the parts do', async () => {
    const same: Parts = {
      tasks: [{ ...inverted, name: 'a', degrade: (view) => view }],
      masks: [
        {
          name: 'b',
          summary: '',
          order: (rng, { image, patch }) => rng.permutation((image[0] * image[1]) / patch ** 2),
        },
      ],
      targets: [{ ...targetOf('patch'), name: 'c' }],
    };
    await run('own', { task: { name: 'masked+a', mask: 'b' }, model: { target: 'c' } }, { parts: same });
    await run('theirs', { task: { name: 'masked' }, model: { target: 'patch' } });
    const rows = async (name: string) =>
      (await readMetrics(runFolder(`${folder}/${name}`))).map(({ loss, heldOutLoss }) => [loss, heldOutLoss]);
    expect(await rows('own')).toEqual(await rows('theirs'));
  });

  it('is a model for every command, without its decoder where the target is not handed in', async () => {
    expect((await openModel(`${folder}/whole`)).decoder).toBeUndefined();
    expect((await openModel(`${folder}/whole`, { targets: [doubled] })).decoder).toBeDefined();
    await expect(reconstruct(`${folder}/whole`)).rejects.toThrow('the run needs its own task "inverted"');
    expect((await reconstruct(`${folder}/whole`, { parts })).length).toBeGreaterThan(1000);
    await expect(reconstruct(`${folder}/whole`, { parts: { targets: [doubled] } })).rejects.toThrow(
      'the run needs its own task "inverted"',
    );
  });

  it('takes the defaults of its task', async () => {
    const quarter = { ...inverted, name: 'quarter', defaults: { maskRatio: 0.25, target: 'none' } };
    await run(
      'defaults',
      { task: { name: 'masked+quarter', maskRatio: undefined } },
      { parts: { tasks: [quarter] } },
    );
    expect(configOf('defaults').model.target).toBe('none');
  });

  it('notes what is not used, and goes with two degradations in a row', async () => {
    const notes: string[] = [];
    const onEvent = (event: { type: string; message?: string }) => {
      if (event.type === 'note') notes.push(event.message!);
    };
    await run('row', { task: { name: 'masked+inverted+blurred' } }, { parts, onEvent });
    expect(configOf('row').own).toEqual({ tasks: ['inverted'] });
    expect(notes).toContain(
      'the own target "doubled" is handed in and not used: --set model.target=doubled uses it',
    );
    expect(configOf('theirs').own).toBeUndefined();
  });
});

describe('evaluators, sources and augmentations of the user', () => {
  const seen: string[] = [];
  const evaluator: RunEvaluator = {
    name: 'spread',
    every: 2,
    async *run(_, __, { features, train, heldOut }) {
      for (const images of [train, heldOut!]) {
        const { features: values, width, indices } = await features(images);
        seen.push(`${values.length / width} ${indices.length}`);
        yield [
          images === train ? 'spreadTrain' : 'spreadHeldOut',
          Math.max(...values) - Math.min(...values),
        ] as const;
      }
    },
  };
  const noise = {
    scheme: 'noise',
    argument: 'N',
    help: 'images of noise',
    example: 'noise:12',
    labelled: true,
    absolute: (rest: string) => rest,
    open: async (rest: string) => ({
      name: `noise of ${rest}`,
      length: Number(rest),
      contentKey: `noise-${rest}`,
      labels: Int32Array.from({ length: Number(rest) }, (_, i) => i % 2),
      classes: ['even', 'odd'],
      id: String,
      image: () => ({ width: 9, height: 9, channels: 3, data: new Uint8Array(243) }),
      source: (index: number) => ({
        kind: 'module' as const,
        module: pathToFileURL(join(folder, 'augment.mjs')).href,
        export: 'decode',
        options: { seed: index },
      }),
    }),
  };
  const all: Parts = { evaluators: [evaluator], sources: [noise], augmentations: [augmentation('darken')] };

  it.each(['pretrain', 'finetune'] as const)(
    '%s takes them',
    async (kind) => {
      const output = `${folder}/all-${kind}`;
      const once = (options: object) =>
        kind === 'pretrain'
          ? pretrain(tinySettings('noise:600'), { output, scoreCache: false, ...options })
          : finetune(tinyFinetuneSettings('noise:600', { data: { randAugment: '' } }), {
              output,
              ...options,
            });
      const short = { resume: false, parts: all };
      await once({ ...short, signal: AbortSignal.abort() }).catch(() => {});
      await once({ ...short, resume: true });
      expect(configOf(`all-${kind}`)).toMatchObject({
        data: { source: 'noise:600' },
        own: { sources: ['noise'], augmentations: ['darken'], evaluators: ['spread'] },
      });
      const rows = await readMetrics(runFolder(output));
      const scored = rows.filter(({ spreadTrain }) => spreadTrain !== undefined);
      expect(scored.map(({ epoch }) => epoch)).toEqual([2, 3]);
      for (const { spreadTrain, spreadHeldOut } of scored) {
        expect(spreadTrain).toBeGreaterThan(0);
        expect(spreadHeldOut).toBeGreaterThan(0);
      }
      expect(new Set(seen)).toEqual(new Set(['450 450', '150 150']));
      const { evaluators: _, ...fewer } = all;
      await expect(once({ resume: true, parts: fewer })).rejects.toThrow('needs its own evaluator "spread"');
      await expect(once({ resume: true })).rejects.toThrow(/needs its own source of images "noise"/);
    },
    300_000,
  );

  it('a run with a source of the user is judged where the source is given, and its paths are left alone', async () => {
    const output = `${folder}/probe`;
    const settings = { data: 'noise:60', test: 'noise:30', epochs: 1, warmupEpochs: 0 };
    const model = `${folder}/all-pretrain`;
    const options = { settings, output, sources: [noise], featureCache: false as const };
    expect((await linprobe(model, options)).test).toBe(30);
    expect(configOf('probe')).toMatchObject({ data: 'noise:60', test: 'noise:30' });
    await expect(linprobe(model, { featureCache: false })).rejects.toThrow(
      'the run needs its own source of images "noise", got none of that name',
    );
    await expect(knn(model, { featureCache: false })).rejects.toThrow(
      'the run needs its own source of images',
    );
    expect((await embed(model, 'noise:7', { sources: [noise], featureCache: false })).names.length).toBe(7);
  });

  it.each(['timm', 'onnx'] as const)('a run with a task of the user is exported to %s', async (format) => {
    const { files } = await exportModel(`${folder}/all-pretrain`, {
      format,
      output: `${folder}/out-${format}`,
    });
    expect(files.length).toBeGreaterThan(1);
    const own = await exportModel(`${folder}/whole`, { format, output: `${folder}/own-${format}` });
    expect(own.files.length).toBeGreaterThan(1);
  });

  it('an augmentation changes what is trained, the same on threads and without', async () => {
    const losses = async (name: string, source: string, given?: Parts) => {
      await pretrain(tinySettings(source, { training: { maxSteps: 3 } }), {
        output: `${folder}/${name}`,
        scoreCache: false,
        parts: { sources: [noise], ...given },
      });
      return (await readMetrics(runFolder(`${folder}/${name}`))).map(({ loss }) => loss);
    };
    const own = { augmentations: [augmentation('darken')] };
    expect(await losses('dark', 'noise:40', own)).not.toEqual(await losses('light', 'noise:40'));
    await expect(
      run('dark', {}, { resume: true, parts: { sources: [noise], ...own, augmentations: [] } }),
    ).rejects.toThrow('needs its own augmentation "darken"');
    await expect(
      pretrain(tinySettings('noise:40', { training: { maxSteps: 4 } }), {
        output: `${folder}/light`,
        resume: true,
        scoreCache: false,
        parts: { sources: [noise], ...own },
      }),
    ).rejects.toThrow('own.augmentations undefined → ["darken"]');
  });

  it.each([
    [
      'small',
      'the own augmentation "small" must return { width, height, channels, data } of the view\'s size, 8 × 8 × 3 bytes, got 8 × 1 × 3',
    ],
    ['broken', 'the own augmentation "broken" failed: out of paint'],
    ['nothing', 'must be made by its export, (options) => (image, rng) => image, got undefined'],
    ['missing', 'must export a function "missing", got undefined'],
  ])('a wrong augmentation ends the run: %s', async (name, message) => {
    const task = { task: { name: 'masked' } };
    const trained = run(`wrong-${name}`, task, { parts: { augmentations: [augmentation(name)] } });
    await expect(trained).rejects.toThrow(message);
  });
});

const wrongTask = (members: object) => ({ tasks: [{ ...inverted, ...members }] as PretextTask[] });
it.each<[string, unknown, string]>([
  ['no list', { tasks: inverted }, 'parts.tasks must be a list of objects, got object'],
  [
    'no name',
    { tasks: [{ ...inverted, name: 'masked+inverted' }] },
    'must have a name of letters, digits, ".", "_" or "-", got "masked+inverted"',
  ],
  [
    "the library's name",
    { tasks: [{ ...inverted, name: 'noise' }] },
    'must have a name that the library has not',
  ],
  [
    'two of a name',
    { tasks: [inverted, inverted] },
    'must have a name that no other has, got "inverted" twice',
  ],
  [
    'no methods',
    { tasks: [{ name: 'inverted', degrade: () => {} }] },
    'the own task "inverted" must have a method view, got undefined: begin the object with ...plain',
  ],
  [
    'another shape',
    wrongTask({ degrade: () => plain }),
    'the own task "inverted" must return a tensor of shape [4, 3, 8, 8] from degrade, got object',
  ],
  ['numbers', wrongTask({ degrade: () => new Float32Array(3) }), 'from degrade, got Float32Array of 3'],
  [
    'an error',
    wrongTask({
      degrade: () => {
        throw new TypeError('x is not a function');
      },
    }),
    'the own task "inverted" failed in degrade: x is not a function',
  ],
  [
    'a scalar loss',
    wrongTask({ loss: () => ({ losses: undefined, parts: {} }) }),
    'return { losses, parts } of shape [batch] from loss, got losses as undefined',
  ],
  [
    'too few draws',
    wrongTask({
      draws: () => ({ a: { shape: [2], dtype: 'f32' } }),
      draw: () => ({ a: new Float32Array(1) }),
    }),
    'must draw "a" as Float32Array of 2, as draws says, got Float32Array of 1',
  ],
  [
    'a judge',
    wrongTask({ judges: 'pixels' }),
    'must have "judges", one of patches, image, spectrum, got "pixels"',
  ],
  [
    'an order',
    { tasks: [inverted], masks: [{ name: 'halves', order: () => new Int32Array(4) }] },
    'the own mask generator "halves" must return a permutation of 0 … 3 as Int32Array from order, got token 0 twice or beyond',
  ],
  [
    'an evaluator',
    {
      tasks: [inverted],
      evaluators: [
        {
          name: 'e',
          async *run() {
            yield ['loss', 1];
          },
        },
      ],
    },
    'the own evaluator "e" must yield names that no other column of metrics.jsonl has, got "loss"',
  ],
  [
    'a failing evaluator',
    {
      tasks: [inverted],
      evaluators: [
        {
          name: 'e',
          // biome-ignore lint/correctness/useYield: it fails before
          async *run() {
            throw new Error('no');
          },
        },
      ],
    },
    'the own evaluator "e" failed: no',
  ],
  ['an engine', { engine: {} }, 'the own engine must have a method open, got undefined'],
])('a wrong part is refused with the rule: %s', async (name, wrong, message) => {
  const task = {
    name: 'inverted',
    ...((wrong as Parts).masks && { name: 'masked+inverted', mask: 'halves' }),
  };
  const error = await run(
    `refused-${name.replaceAll(' ', '-')}`,
    { task, model: { target: 'none' } },
    { parts: wrong as Parts },
  ).catch((error: Error) => error);
  expect((error as Error).message).toContain(message);
  expect((error as Error).message).not.toContain('\n');
});

it('an object in place of a name is refused with the remedy', async () => {
  const settings = { task: inverted } as unknown as ConfigInput;
  await expect(run('object', settings, { parts })).rejects.toThrow(
    'settings must be plain values, got a function as task.view: hand an object of your own in with { parts: { tasks: [mine] } } and name it',
  );
});

it('a name that is not handed in is refused as before', async () => {
  await expect(run('unknown', { task: { name: 'inverted' } })).rejects.toThrow(
    /^task\.name must be one of masked, .*, got "inverted"/,
  );
});

it('an engine of the user computes', async () => {
  const { referenceEngine } = await import('../engines/reference/engine.ts');
  let opened = 0;
  const engine = {
    ...referenceEngine,
    name: 'mine',
    description: 'mine',
    open: (...args: Parameters<typeof referenceEngine.open>) => {
      opened++;
      return referenceEngine.open(...args);
    },
  };
  await run('engine', { engine: { name: 'auto' } }, { parts: { engine } });
  expect(opened).toBeGreaterThan(0);
  expect(readFileSync(`${folder}/engine/sittings.jsonl`, 'utf8')).toContain('"mine"');
});
