import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { workerScript } from './worker-script.ts';

const built = pathToFileURL(`${process.cwd()}/dist/`).href;

test('from the sources and from the built files it is the built script', async () => {
  const source = pathToFileURL(`${process.cwd()}/src/engines/onnx/worker-client.ts`).href;
  const expected = new URL('engines/onnx/worker.js', built).href;
  expect(workerScript(source, 'worker').href).toBe(expected);
  const dist: typeof import('./worker-script.ts') = await import(`${built}io/worker-script.js`);
  expect(dist.workerScript(`${built}engines/onnx/worker-client.js`, 'worker').href).toBe(expected);
});

test('a module from elsewhere has its script next to it', () => {
  expect(workerScript('file:///a/b%20c/chunk.js?v=1', 'worker').href).toBe('file:///a/b%20c/worker.js');
});

test('no other file of the sources names the folder of built files', () => {
  const naming = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(
    (name) =>
      name.endsWith('.ts') &&
      !name.endsWith('.test.ts') &&
      /['"`/]dist\//.test(readFileSync(join('src', name), 'utf8')),
  );
  expect(naming.map((name) => name.replaceAll('\\', '/'))).toEqual(['io/worker-script.ts']);
});
