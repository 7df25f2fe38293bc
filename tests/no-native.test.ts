import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { pretrain } from '../src/pretrain.ts';
import { commandLine } from './support/command-line.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyImages, tinySettings } from './support/tiny-run.ts';

const folder = temporaryFolder();
const { run } = commandLine(folder);

/** What onnxruntime-node is resolved to: a package that Node does not find, and one that does not load. */
const instead = {
  missing: 'next(specifier, { ...context, parentURL: "file:///nowhere/engine.js" })',
  broken:
    '({ url: "data:text/javascript,throw new Error(`libgone.so.1 is not there`)", shortCircuit: true })',
};

beforeAll(async () => {
  await tinyImages(join(folder, 'images'), 12);
  const settings = { training: { epochs: 1 }, evaluation: { reconstructions: 0 } };
  await pretrain(
    tinySettings(`classes:${join(folder, 'images')}`, { ...settings, engine: { name: 'onnx', threads: 1 } }),
    {
      output: join(folder, 'run'),
    },
  );
  for (const [name, resolved] of Object.entries(instead)) {
    const hook = `export const resolve = (specifier, context, next) =>
      specifier === 'onnxruntime-node' ? ${resolved} : next(specifier, context);`;
    const url = `data:text/javascript,${encodeURIComponent(hook)}`;
    await writeFile(
      join(folder, `${name}.mjs`),
      `import { register } from 'node:module'; register(${JSON.stringify(url)});`,
    );
  }
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** The lines on the standard error that tell of onnxruntime-node. */
async function notices(kind: keyof typeof instead, line: string): Promise<string[]> {
  vi.stubEnv('NODE_OPTIONS', `--import ${pathToFileURL(join(folder, `${kind}.mjs`))}`);
  const { code, err } = await run(...line.split(' '));
  expect(code, err).toBe(0);
  return err.split('\n').filter((text) => text.includes('onnxruntime-node'));
}

describe('without the native engine', () => {
  it.each([
    'linprobe run --epochs 1 --set warmupEpochs=0 --rates 0.1 --output probe',
    'predict images --from probe --backend onnx',
    'embed images --from run --output features.npy',
    'reconstruct run',
    'preview images --size 8 --tasks masked --backend onnx',
    'bench --model micro --batch 1 --steps 1 --engine onnx',
  ])('%s says once what is missing', async (line) => {
    expect(await notices('missing', line)).toEqual([
      'onnxruntime-node is not installed: computing on WebAssembly, which is several times slower. ' +
        'To install it: npm install onnxruntime-node --onnxruntime-node-install=skip',
    ]);
  });

  it('bench prints its own results alone', async () => {
    vi.stubEnv('NODE_OPTIONS', `--import ${pathToFileURL(join(folder, 'missing.mjs'))}`);
    const { out } = await run(...'bench --model micro --batch 1 --steps 1 --engine onnx --json'.split(' '));
    expect(JSON.parse(out)).toMatchObject({ batch: 1 });
  });

  it('what is installed and does not load says so itself', async () => {
    expect(await notices('broken', 'embed images --from run --output more.npy')).toEqual([
      'onnxruntime-node is installed and does not load (libgone.so.1 is not there): ' +
        'computing on WebAssembly, which is several times slower',
    ]);
  });
});
