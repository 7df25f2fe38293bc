import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { rng } from '../../src/random/rng.ts';
import { commandLine } from '../support/command-line.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { cases } from './cases.ts';

const folder = temporaryFolder();
const { run } = commandLine(folder);

it('writes a folder, says what is in it, and refuses to write it again', async () => {
  await cases['fine-tuned, class token']!.write(join(folder, 'model.safetensors'), rng(1));
  const args = ['export', 'model.safetensors', '--format', 'onnx', '--output', 'deep/vit'];
  const first = await run(...args);
  expect(first).toMatchObject({ code: 0 });
  expect(first.out).toContain('classifier in deep/vit');
  expect(first.out).toMatch(/onnx\/model\.onnx +\d+/);
  expect(first.out).toMatch(/outputs of the ONNX file and of the model differ by \d\.\de-\d+ at most/);
  const files = await readdir(join(folder, 'deep', 'vit'));
  expect(files.sort()).toEqual(['README.md', 'config.json', 'onnx', 'preprocessor_config.json']);
  expect(await readFile(join(folder, 'deep', 'vit', 'README.md'), 'utf8')).toContain('| classes | 5 |');

  const again = await run(...args);
  expect(again.code).toBe(1);
  expect(again.err).toContain('error: an export needs a new or empty folder, got deep/vit with README.md');
});

it.each([
  ['export model.safetensors --output vit', "required option '--format <name>' not specified"],
  ['export absent --format timm --output vit', 'error: '],
  [
    'export model.safetensors --format onxn --output vit',
    'a format must be one of timm, huggingface, onnx, got "onxn" (did you mean "onnx"?)',
  ],
])('%s', async (line, message) => {
  const { code, err } = await run(...line.split(' '));
  expect(code).toBeGreaterThan(0);
  expect(err).toContain(message);
  expect(err).not.toContain('    at ');
});
