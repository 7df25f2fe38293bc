import { setTimeout } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { tinyFinetuneSettings, tinyImages, tinySettings } from '../../tests/support/tiny-run.ts';
import { linprobe } from '../evaluate/probe/linprobe.ts';
import { finetune } from '../finetune.ts';
import { pretrain } from '../pretrain.ts';

const folder = temporaryFolder();
beforeAll(() => tinyImages(`${folder}/images`, 16));

const kinds = [
  [
    'pretrain',
    (output: string, options: object) =>
      pretrain(tinySettings(`${folder}/images`), { output, scoreCache: false, ...options }),
  ],
  [
    'finetune',
    (output: string, options: object) =>
      finetune(tinyFinetuneSettings(`classes:${folder}/images`), { output, ...options }),
  ],
] as const;

it.each(kinds)(
  '%s saves, stops and rejects where a promise of the listener is rejected',
  async (name, train) => {
    const output = `${folder}/${name}`;
    const types: string[] = [];
    const onEvent = async (event: { type: string; row?: { step: number } }) => {
      types.push(event.type);
      if (event.row?.step !== 3) return;
      await setTimeout(1);
      throw new Error('the disk of the log is full');
    };
    await expect(train(output, { onEvent })).rejects.toThrow(/^the disk of the log is full$/);
    expect(types.at(-1)).toBe('end');
    const result = await train(output, { resume: true });
    expect(result.outcome).toBe('finished');
  },
);

it('linprobe keeps its state and rejects as well', async () => {
  const settings = { data: `classes:${folder}/images`, epochs: 3, warmupEpochs: 0, heldOut: 0.25 };
  const options = { settings, output: `${folder}/probe`, featureCache: false as const };
  const onEvent = async (event: { type: string }) => {
    if (event.type === 'step') throw new Error('the log is gone');
  };
  await expect(linprobe(`${folder}/pretrain`, { ...options, onEvent })).rejects.toThrow(/^the log is gone$/);
  expect((await linprobe(`${folder}/pretrain`, options)).top1).toBeGreaterThan(0);
});

it.each(kinds)('%s waits for promises of the listener, however late', async (name, train) => {
  let late = false;
  const onEvent = async (event: { type: string }) => {
    if (event.type !== 'end') return;
    await setTimeout(20);
    late = true;
    throw new Error('too late');
  };
  const output = `${folder}/${name}-late`;
  await expect(train(output, { onEvent })).rejects.toThrow('too late');
  expect(late).toBe(true);
});

it.each(kinds)('%s takes promises from elsewhere, and those before the first update', async (name, train) => {
  // biome-ignore lint/suspicious/noThenProperty: what other libraries return
  const rejected = { then: (_: unknown, reject: (error: Error) => void) => reject(new Error('at once')) };
  const onEvent = (event: { type: string }) => (event.type === 'start' ? rejected : undefined);
  await expect(train(`${folder}/${name}-at-once`, { onEvent })).rejects.toThrow('at once');
});
