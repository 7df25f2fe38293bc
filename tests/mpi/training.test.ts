import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeShapes } from '../../src/data/shapes/write.ts';
import { outcome } from '../support/command-line.ts';
import { isMissing } from '../support/libraries.ts';
import { command, type LauncherName, launcherNames, startRanks } from '../support/mpi-launchers.ts';
import { childrenOf } from '../support/processes.ts';
import { seed } from '../support/random.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tinyImages, tinyOptions } from '../support/tiny-run.ts';

const folder = temporaryFolder();
let runs = 0;

beforeAll(async () => {
  await tinyImages(join(folder, 'images'), 40, 2, seed);
  await tinyImages(join(folder, 'others'), 40, 2, seed + 1);
  await writeShapes(join(folder, 'shapes'), { train: 24, val: 4, size: 20, seed });
});

// 24 updates, 8 an epoch.
const training = [
  'data.source=classes:images',
  'data.heldOut=0.2',
  'training.batchSize=4',
  'training.epochs=3',
];
const settings = [...training, 'training.warmupEpochs=0.5', 'training.learningRate=0.1', `seed=${seed}`];
const model = ['image=8,8', 'patch=4', 'width=8', 'depth=2', 'heads=2'].map((key) => `model.${key}`);
const set = (...keys: readonly string[]) => keys.flatMap((key) => ['--set', key]);
const pretraining = [
  'pretrain',
  ...tinyOptions(...settings, 'evaluation.heldOutImages=4'),
  '--save-every',
  '3',
];
const finetuning = ['finetune', ...set(...model, ...settings, 'data.randAugment=', 'training.dropPath=0.2')];

const segmenting = [
  'segment',
  ...set(...model, 'model.image=16,16', `seed=${seed}`, 'data.source=masks:shapes', 'training.dropPath=0.2'),
  ...set('training.batchSize=8', 'training.warmupEpochs=1', 'training.ema=0.8'),
];

const detecting = [
  'detect',
  ...set(...model, 'model.image=16,16', 'model.window=0', `seed=${seed}`, 'data.source=boxes:shapes'),
  ...['channels=8', 'scales=2,1,0.5', 'convolutions=1', 'hidden=8'].flatMap((key) =>
    set(`model.head.${key}`),
  ),
  ...set('training.batchSize=8', 'training.warmupEpochs=1', 'training.dropPath=0.2', 'training.epochs=2'),
  ...set('training.proposals=10', 'training.rois=8', 'evaluation.proposals=10'),
];

interface Options {
  readonly launcher?: LauncherName | undefined;
  readonly ranks?: number;
  readonly engine?: string;
  /** A script of tests/mpi with its first arguments. */
  readonly script?: readonly string[];
  /** Called once, when a step is reported, with the process numbers of the ranks. */
  readonly at?: { readonly step: number; act(pids: readonly number[]): void };
}

/** Runs a command, in the folder `output` of the test's. */
async function run(
  args: readonly string[],
  output: string,
  { launcher, ranks = 2, engine = 'onnx', script = [command], at }: Options = {},
) {
  let acted = false;
  const onOutput = (text: string) => {
    if (!at || acted || !text.includes(`"row":{"step":${at.step},`)) return;
    acted = true;
    const pids = [...text.matchAll(/rank (\d+) of \d+ is process (\d+)/g)];
    at.act(pids.sort(([, a], [, b]) => Number(a) - Number(b)).map(([, , pid]) => Number(pid)));
  };
  const job = [...script, ...args, '--engine', engine, '--output', output, '--json'];
  return startRanks(launcher, ranks, job as [string, ...string[]], {
    cwd: folder,
    env: { BEYOND_MASKING_CACHE: join(folder, 'cache'), BEYOND_MASKING_DEBUG: '' },
    onOutput,
  });
}

/** The outcome of a run that must end well. */
async function finished(args: readonly string[], options: Options = {}, output = `run-${runs++}`) {
  const { status, output: printed } = await run(args, output, options);
  expect(status, `seed ${seed}: ${printed}`).toBe(0);
  return outcome(join(folder, output));
}

type Rows = Awaited<ReturnType<typeof outcome>>['rows'];

function expectNear(rows: Rows, expected: Rows, tolerance: number): void {
  expect(rows.map(({ step }) => step)).toEqual(expected.map(({ step }) => step));
  for (const [i, row] of rows.entries())
    expect(Math.abs(row.loss - expected[i]!.loss), `loss of step ${row.step}, seed ${seed}`).toBeLessThan(
      tolerance,
    );
}

const openMpi = 'Open MPI';
const cases = launcherNames.flatMap((launcher) =>
  ['onednn', 'onnx'].map((engine) => [`${engine} on ${launcher}`, engine, launcher] as const),
);

describe.each(cases)('training on ranks of %s', (_, engine, launcher) => {
  const test = it.skipIf(isMissing(launcher) || (engine === 'onednn' && isMissing('onednn')));

  test('is that of one process, and each time the same', async () => {
    const alone = await finished(pretraining, { engine });
    const ranks = await finished(pretraining, { engine, launcher });
    expect(ranks.rows.length).toBeGreaterThanOrEqual(24);
    expectNear(ranks.rows, alone.rows, 1e-6);
    expect(await finished(pretraining, { engine, launcher }), `seed ${seed}`).toEqual(ranks);
  });
});

describe.skipIf(isMissing(openMpi))('ranks', () => {
  const on = (more: Options = {}): Options => ({ launcher: openMpi, ...more });
  let whole: ReturnType<typeof finished> | undefined;
  /** The outcome of two ranks that nobody interrupts. */
  const uninterrupted = () => {
    whole ??= finished(pretraining, on());
    return whole;
  };

  it.each([
    ['for the whole batch', []],
    ['for each image', ['training.mixMode=element']],
  ])('fine-tune with mixup and CutMix %s as one process does', async (_, more) => {
    const args = [...finetuning, ...set(...more)];
    expectNear((await finished(args, on())).rows, (await finished(args)).rows, 1e-6);
  });

  it.each([
    ['a linear head', ['training.epochs=8'], 1e-6],
    // Batch norms take the statistics of a micro-batch, and these hold other images on ranks.
    [
      'UperNet',
      [
        'training.epochs=2',
        ...['kind=upernet', 'channels=8', 'scales=2,1'].map((key) => `model.head.${key}`),
      ],
      0.1,
    ],
  ] as const)('segment with %s as one process does, and each time the same', async (_, more, tolerance) => {
    const args = [...segmenting, ...set(...more)];
    const ranks = await finished(args, on());
    expect(ranks.rows.length).toBeGreaterThanOrEqual(6);
    expectNear(ranks.rows, (await finished(args)).rows, tolerance);
    expect(await finished(args, on()), `seed ${seed}`).toEqual(ranks);
  });

  const detect = async (engine: string) => {
    const ranks = await finished(detecting, on({ engine }));
    expect(ranks.rows).toHaveLength(6);
    // Boxes are chosen by comparing numbers, which ranks round in another way.
    expectNear(ranks.rows, (await finished(detecting, { engine })).rows, 1e-3);
    expect(await finished(detecting, on({ engine })), `seed ${seed}`).toEqual(ranks);
  };

  it('detect as one process does, and each time the same', () => detect('onnx'));

  it.skipIf(isMissing('onednn'))('detect on the engine onednn as one process does', () => detect('onednn'));

  it.each([
    ['SIGTERM', 1],
    ['SIGUSR1', 0],
    ['SIGUSR2', 1],
  ] as const)('stop together and save after %s to rank %i, and resume exactly', async (signal, rank) => {
    const output = `stopped-${signal}`;
    const at = { step: 5, act: (pids: readonly number[]) => process.kill(pids[rank]!, signal) };
    const { status, output: printed } = await run(pretraining, output, on({ at }));
    const end = JSON.parse(printed.match(/^\{"type":"end".*$/m)?.[0] ?? '{}');
    expect(end, `seed ${seed}: ${printed}`).toMatchObject({ outcome: 'interrupted' });
    expect(status).toBe(130);
    expect(end.step).toBeGreaterThanOrEqual(5);
    expect(end.step).toBeLessThan(24);
    const { newest, rows } = await outcome(join(folder, output));
    expect(newest).toBe(`step-${String(end.step).padStart(8, '0')}.safetensors`);
    expect(rows.at(-1)!.step).toBe(end.step);
    const resumed = await finished([...pretraining, '--resume'], on(), output);
    expect(resumed, `seed ${seed}`).toEqual(await uninterrupted());
  });

  const killed = async (
    who: string,
    engine: string,
    launcher: LauncherName,
    victim: (pids: readonly number[]) => number,
    line: RegExp,
  ) => {
    const output = `killed-${who.replaceAll(/\W/g, '-')}`;
    let time = 0;
    const act = (pids: readonly number[]) => {
      process.kill(victim(pids), 'SIGKILL');
      time = performance.now();
    };
    const options = { engine, launcher, at: { step: 7, act } };
    const { status, output: printed } = await run(pretraining, output, options);
    expect((performance.now() - time) / 1000, printed).toBeLessThan(60);
    expect(status).not.toBe(0);
    expect(printed.match(new RegExp(line, 'g')) ?? [], printed).toHaveLength(1);
    const resumed = await finished([...pretraining, '--resume'], on({ engine }), output);
    const expected = engine === 'onnx' ? await uninterrupted() : await finished(pretraining, on({ engine }));
    expect(resumed, `seed ${seed}`).toEqual(expected);
  };

  const places = (['Open MPI', 'MPICH'] as const).flatMap((launcher) =>
    [0, 1].map((rank) => [rank, launcher] as const),
  );

  describe.each(places)('when rank %i is killed on %s', (rank, launcher) => {
    it.skipIf(isMissing(launcher))('end with one line that names it, and resume exactly', () =>
      killed(
        `rank ${rank} on ${launcher}`,
        'onnx',
        launcher,
        (pids) => pids[rank]!,
        new RegExp(
          `rank ${rank} of 2 \\(process \\d+ on .*\\) was killed, or its host failed: all 2 ranks end`,
        ),
      ),
    );
  });

  it.skipIf(isMissing('onednn'))(
    "end when rank 1's engine is killed, which a line names, and resume exactly",
    () =>
      killed(
        "rank 1's engine",
        'onednn',
        openMpi,
        (pids) => childrenOf(pids[1]!)[0]!,
        /rank 1 of 2: .*the onednn engine's process was killed/,
      ),
  );

  it('resume in one process, and one process resumes on ranks, with nearly the same losses', async () => {
    const expected = (await uninterrupted()).rows;
    for (const [first, second] of [
      [on(), {}],
      [{}, on({ ranks: 4 })],
    ] as const) {
      const output = `other-${runs++}`;
      await finished([...pretraining, '--max-steps', '10'], first, output);
      const { rows } = await finished([...pretraining, '--resume', '--max-steps', '0'], second, output);
      expectNear(rows, expected, 1e-4);
    }
  });

  it.each([
    ['seed=12345', 'all ranks must have the settings of rank 0, got other ones on rank 1 of 2: start all'],
    [
      'data.source=classes:others',
      'all ranks must have the settings of rank 0, got other ones on rank 1 of 2',
    ],
    ['model.width=16', 'ranks must train the same model, got another one on rank 0 of 2'],
  ])('refuse %s on one of them', async (setting, message) => {
    const script = ['command-of-rank.mjs', '1', JSON.stringify(set(setting))];
    const output = `differing-${runs++}`;
    const { status, output: printed } = await run(pretraining, output, on({ script }));
    expect(status).not.toBe(0);
    expect(printed).toContain(message);
    expect(await readdir(folder)).not.toContain(output);
  });

  it.each([
    ['reference', [], 'the engine of ranks must be one of onednn, onnx, got reference: --engine onednn'],
    [
      'onnx',
      set('training.batchSize=5'),
      'must be a multiple of the number of ranks (--batch-size 6), got 5 and 2',
    ],
  ] as const)('of the engine %s are refused with %o', async (engine, more, message) => {
    const output = `refused-${runs++}`;
    const { status, output: printed } = await run([...pretraining, ...more], output, on({ engine }));
    expect(status).not.toBe(0);
    expect(printed).toContain(`rank 0 of 2: error: `);
    expect(printed).toContain(message);
    expect(await readdir(folder)).not.toContain(output);
  });

  it('are refused by commands that work alone', async () => {
    const { status, output } = await startRanks(openMpi, 2, [command, 'list', 'recipes'], { cwd: folder });
    expect(status).not.toBe(0);
    expect(output).toContain(
      'only pretrain, finetune, segment and detect train on ranks, got list on 2: start it without mpirun',
    );
  });
});
