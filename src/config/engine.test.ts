import { expect, it } from 'vitest';
import { engineNames } from './engine.ts';
import { ConfigError } from './error.ts';
import { parseFinetuneConfig } from './finetune-schema.ts';
import { parseOverride } from './overrides.ts';
import { configSchema, parseConfig } from './schema.ts';
import { settings } from './walk.ts';

const engine = (given: object | undefined) => parseConfig({ engine: given } as object).engine;
const message = (given: object) => {
  try {
    engine(given);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
  }
  return undefined;
};

/** Every setting of every engine, as earlier versions wrote them. */
const flat = {
  ...{ name: 'auto', precision: 'auto', threads: 0, devices: 1, rematerialise: false },
  ...{ attention: 'auto', gradients: 'f32', deterministic: false },
};
const xla = {
  precision: 'auto',
  devices: 1,
  rematerialise: false,
  attention: 'auto',
  kernels: true,
  gradients: 'f32',
  deterministic: false,
};

it.each([
  [undefined, { name: 'auto', precision: 'auto', threads: 0 }],
  [{ threads: 2 }, { name: 'auto', precision: 'auto', threads: 2 }],
  [{ name: 'onnx' }, { name: 'onnx', threads: 0 }],
  [
    { name: 'wasm', threads: 3 },
    { name: 'wasm', threads: 3 },
  ],
  [
    { name: 'onednn', precision: 'bf16' },
    { name: 'onednn', precision: 'bf16', threads: 0 },
  ],
  [{ name: 'xla' }, { name: 'xla', ...xla }],
  [{ name: 'reference' }, { name: 'reference' }],
])('%j has the settings of its engine alone', (given, complete) => {
  expect(engine(given)).toEqual(complete);
  expect(parseFinetuneConfig({ engine: given } as object).engine).toEqual(complete);
});

it.each([
  [
    { name: 'onnx', devices: 2 },
    'engine.devices takes engine.name xla, got onnx: set engine.name=xla, or leave engine.devices out',
  ],
  [
    { devices: 2 },
    'engine.devices takes engine.name xla, got auto: set engine.name=xla, or leave engine.devices out',
  ],
  [
    { name: 'reference', precision: 'bf16' },
    'engine.precision takes engine.name auto or onednn or xla, got reference: set engine.name=auto, or leave engine.precision out',
  ],
  [
    { name: 'xla', threads: 4 },
    'engine.threads takes engine.name auto or onnx or onednn or wasm, got xla: set engine.name=auto, or leave engine.threads out',
  ],
  [{ name: 'onnx', thread: 4 }, 'unknown setting "engine.thread" (did you mean "engine.threads"?)'],
  [
    { name: 'onednx' },
    `engine.name must be one of ${engineNames.join(', ')}, got "onednx" (did you mean "onednn"?)`,
  ],
  [{ name: 3 }, `engine.name must be one of ${engineNames.join(', ')}, got 3`],
  [{ name: 'xla', devices: 0 }, 'engine.devices must be a whole number of at least 1, got 0'],
])('refuses %j', (given, expected) => {
  expect(message(given)).toBe(expected);
});

it('a setting that asks nothing is left out where the engine does not have it', () => {
  expect(engine({ name: 'onnx', precision: 'f32', devices: 1, threads: 2 })).toEqual({
    name: 'onnx',
    threads: 2,
  });
  expect(engine({ name: 'reference', threads: 1, attention: undefined })).toEqual({ name: 'reference' });
});

it.each([
  [flat, { name: 'auto', precision: 'auto', threads: 0 }],
  [{ ...flat, name: 'reference', threads: 1 }, { name: 'reference' }],
  [
    { ...flat, name: 'onednn', deterministic: true },
    { name: 'onednn', precision: 'auto', threads: 0 },
  ],
  [
    { ...flat, name: 'xla', threads: 4, devices: 2 },
    { name: 'xla', ...xla, devices: 2 },
  ],
  [
    { ...flat, rematerialise: true, threads: 4 },
    { name: 'xla', ...xla, rematerialise: true },
  ],
])('reads %j of an earlier version', (given, expected) => {
  const training = { batchSize: 8, microBatch: 4 };
  expect(parseConfig({ training, engine: given } as object).engine).toEqual(expected);
});

it('what is complete stays as it is', () => {
  for (const name of engineNames) expect(engine(engine({ name }))).toEqual(engine({ name }));
});

it('dotted paths reach the settings of every engine', () => {
  expect(parseOverride('engine.threads=2')).toEqual({ engine: { threads: 2 } });
  expect(parseOverride('engine.deterministic=true')).toEqual({ engine: { deterministic: true } });
  expect(parseOverride('engine.name=xla')).toEqual({ engine: { name: 'xla' } });
  const listed = settings(configSchema).filter(({ path }) => path.startsWith('engine.'));
  expect(listed.map(({ path, only }) => [path, only])).toEqual([
    ['engine.name', undefined],
    ['engine.precision', ['auto', 'onednn', 'xla']],
    ['engine.threads', ['auto', 'onnx', 'onednn', 'wasm']],
    ...Object.keys(xla)
      .slice(1)
      .map((key) => [`engine.${key}`, ['xla']]),
  ]);
});
