import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { commandLine } from './support/command-line.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyImages } from './support/tiny-run.ts';

const folder = temporaryFolder();
const { launch } = commandLine(folder);
const shell = (line: string, args: readonly string[]) => launch(args, { shell: line }).finished;

const settings = [
  'image=[8,8]',
  'patch=4',
  'width=8',
  'depth=1',
  'heads=2',
  'decoder.width=8',
  'decoder.depth=1',
];
const tiny = ['--data', 'classes:images', '--batch-size', '4', '--backend', 'reference', '--epochs', '4'];
const pretraining = [
  ...['pretrain', ...tiny, '--set', 'training.warmupEpochs=0.5', '--set', 'data.heldOut=0.25'],
  ...[...settings, 'decoder.heads=2'].flatMap((key) => ['--set', `model.${key}`]),
];
const tuning = [
  ...['finetune', ...tiny, '--set', 'training.warmupEpochs=0.5', '--set', 'data.heldOut=0.25'],
  ...settings.slice(0, 5).flatMap((key) => ['--set', `model.${key}`]),
];

beforeAll(() => tinyImages(join(folder, 'images'), 27));

/** A run that went to its end. */
async function expectWhole(output: string): Promise<void> {
  expect(await readdir(join(folder, output, 'checkpoints'))).toContain('step-00000020.safetensors');
  expect(await readdir(join(folder, output))).not.toContain('.lock');
}

describe.runIf(existsSync('/dev/full'))('a disk that is full of output', () => {
  it.each([
    ['pretrain', pretraining, '"$@" > /dev/full'],
    ['pretrain', pretraining, '"$@" 2> /dev/full'],
    ['pretrain', pretraining, '"$@" > /dev/full 2>&1'],
    ['pretrain', [...pretraining, '--json'], '"$@" > /dev/full'],
    ['finetune', tuning, '"$@" > /dev/full 2> /dev/full'],
  ])('does not stop a run: %s, %#', async (_, args, line) => {
    const output = `full-${(await readdir(folder)).length}`;
    const { code, err } = await shell(line, [...args, '--output', output]);
    expect(err).not.toMatch(/error|^ +at /m);
    expect(code).toBe(0);
    await expectWhole(output);
  });

  it.each([['list'], ['--help'], ['data', 'count', 'images']])(
    'is said where the output was all there is: %s',
    async (...args) => {
      const { code, err } = await shell('"$@" > /dev/full', args);
      expect(err).toBe('error: the standard output cannot be written: the disk is full\n');
      expect(code).toBe(1);
      expect((await shell('"$@" > /dev/full 2>&1', args)).code).toBe(1);
    },
  );
});

describe('a reader that goes away', () => {
  it.each([
    ['list'],
    ['list', 'recipes', '--json'],
    ['data', 'count', 'classes:images'],
    ['pretrain', '--help'],
  ])('ends a short command quietly: %s %s', async (...args) => {
    const { code, out, err } = await shell('set -o pipefail; "$@" 2>&1 | head -1', args);
    expect(out.split('\n')).toHaveLength(2);
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  it.each(['"$@" | head -1', '"$@" 2>&1 | head -1'])('has a run saved: %s', async (line) => {
    const output = `unread-${(await readdir(folder)).length}`;
    const args = [...pretraining, '--json', '--output', output];
    const { code, err } = await shell(`set -o pipefail; ${line}`, [...args, '--set', 'training.epochs=2000']);
    expect(err).not.toMatch(/error|^ +at /m);
    expect(code).toBe(130);
    expect((await readdir(join(folder, output, 'checkpoints'))).length).toBeGreaterThan(0);
    expect(await readdir(join(folder, output))).not.toContain('.lock');
  });

  it('of the standard error alone does not stop a run', async () => {
    const { code } = await shell('"$@" 2> >(exit 0)', [...pretraining, '--output', 'deaf']);
    expect(code).toBe(0);
    await expectWhole('deaf');
  });

  it('that was never there ends no run', async () => {
    const { code } = await shell('"$@" >&- 2>&-', [...pretraining, '--output', 'closed']);
    expect(code).toBe(0);
    await expectWhole('closed');
  });
});
