import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, expect, it } from 'vitest';
import { commandLine } from '../support/command-line.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tinyImages } from '../support/tiny-run.ts';
import { weightsFixture } from '../support/weights-fixture.ts';

const folder = temporaryFolder();
beforeAll(async () => {
  await tinyImages(join(folder, 'images'), 16);
});
const { run } = commandLine(folder);
const heads = ['--heads', '3', '--decoder-heads', '2'];

it('inspect says what a file of another project is, and what became of its tensors', async () => {
  const [hf, mae, unknown, json] = await Promise.all([
    run('inspect', weightsFixture('hf-mae')),
    run('inspect', weightsFixture('mae.pth'), ...heads, '--tensors'),
    run('inspect', weightsFixture('views.pth')),
    run('inspect', weightsFixture('hf-vit'), '--json'),
  ]);
  expect(hf.out).toMatch(
    /^weights of Hugging Face, safetensors format\n\nencoder {2}24 wide, 2 blocks, 3 heads/m,
  );
  expect(hf.out).toMatch(
    /^62 tensors: 0 taken as they are named, 59 under another name, 3 not used\n.*keys do not change/m,
  );
  expect(mae.out).toMatch(/^weights of MAE, PyTorch format$/m);
  expect(mae.out).toMatch(/^decoder_embed\.bias +F32 +\[16\] +→ decoder_pos_embed, mask_token$/m);
  expect(unknown.out).toMatch(/^no model that can be used here: weights must have the names/m);
  expect(JSON.parse(json.out)).toMatchObject({
    source: 'huggingface',
    classes: ['cat', 'dog', 'eel'],
    missing: [],
  });
  expect([hf, mae, unknown, json].map(({ code }) => code)).toEqual([0, 0, 0, 0]);
});

it('reconstruct, knn and pretrain take weights of another project', async () => {
  const settings = [
    ...[
      'image=32,32',
      'patch=8',
      'width=24',
      'depth=2',
      'heads=3',
      'mlpRatio=2',
      'classToken=true',
      'target=patch',
    ],
    ...['positions=learned', 'decoder.width=16', 'decoder.depth=1', 'decoder.heads=2'],
  ].flatMap((setting) => ['--set', `model.${setting}`]);
  const few = [
    '--batch-size',
    '4',
    '--max-steps',
    '1',
    '--set',
    'training.warmupEpochs=0',
    '--set',
    'data.heldOut=0.25',
  ];
  const [drawn, refused, knn, trained] = await Promise.all([
    run(
      'reconstruct',
      weightsFixture('mae.pth'),
      'images',
      '--count',
      '2',
      '--output',
      'drawn.png',
      ...heads,
    ),
    run('reconstruct', weightsFixture('hf-mae')),
    run('knn', weightsFixture('hf-vit'), '--data', 'classes:images', '--json'),
    run(
      'pretrain',
      '--data',
      'images',
      '--init-from',
      weightsFixture('mae.pth'),
      ...settings,
      ...few,
      '--output',
      'run',
    ),
  ]);
  expect(drawn).toMatchObject({ code: 0, out: 'drawn.png\n' });
  expect((await sharp(join(folder, 'drawn.png')).metadata()).width).toBeGreaterThan(100);
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('name files or a folder') });
  expect(JSON.parse(knn.out)).toMatchObject({ features: { knn10: expect.any(Number) } });
  expect(trained.out).toMatch(/^48 weights loaded from .*mae\.pth \(mae\)$/m);
  expect(trained.out).not.toMatch(/random|not used/);
  expect(trained.code).toBe(0);
});
