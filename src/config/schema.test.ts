import { describe, expect, it } from 'vitest';
import { mergeConfig, parseOverride } from './overrides.ts';
import { configSchema, parseConfig } from './schema.ts';
import { settings } from './walk.ts';

const message = (input: unknown) => {
  try {
    parseConfig(input);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
};

describe('parseConfig', () => {
  it('completes nothing to the paper’s ViT-B', () => {
    const config = parseConfig({});
    expect(config.model).toMatchObject({ image: [224, 224], patch: 16, width: 768, depth: 12 });
    expect(config.training).toMatchObject({ batchSize: 2048, learningRate: 1.5e-4, warmupEpochs: 20 });
    expect(parseConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
  });

  it.each([
    [{ training: { epochs: 0 } }, 'training.epochs must be a whole number of at least 1, got 0'],
    [{ training: { epochs: '3' } }, 'training.epochs must be a whole number of at least 1, got "3"'],
    [{ training: { epochs: Number.NaN } }, 'training.epochs must be a whole number of at least 1, got NaN'],
    [{ task: { maskRatio: 1 } }, 'task.maskRatio must lie in [0, 1), got 1'],
    [
      { model: { target: 'chanel' } },
      'model.target must be one of channel, patch, none, low-pass, hog, got "chanel" (did you mean "channel"?)',
    ],
    [
      { data: { scale: [0.5, 0.2] } },
      'data.scale must be two numbers above 0, the smaller one first, got [0.5,0.2]',
    ],
    [
      { model: { image: [32] } },
      'model.image must be [height, width] in pixels, whole and at least 1, got [32]',
    ],
    [{ data: 3 }, 'data must be a group of settings, got 3'],
    [
      { training: { epochs: 20 } },
      'training.warmupEpochs must be fewer than training.epochs (--set training.warmupEpochs=...), got 20 and 20',
    ],
    [null, 'settings must be a group of settings, got null'],
    [{ trainig: {} }, 'unknown setting "trainig" (did you mean "training"?)'],
    [{ training: { epoch: 3 } }, 'unknown setting "training.epoch" (did you mean "training.epochs"?)'],
    [
      { engine: { zzz: 3 } },
      'unknown setting "engine.zzz" (engine has name, precision, threads, devices, rematerialise, attention, kernels, gradients, deterministic)',
    ],
    [
      { training: { batchSize: 10, microBatch: 3 } },
      'training.batchSize must be a multiple of training.microBatch (--batch-size N, --set training.microBatch=N), got 10 and 3',
    ],
    [
      { training: { batchSize: 24, microBatch: 4 }, engine: { name: 'xla', devices: 4 } },
      'training.batchSize / training.microBatch must be a multiple of engine.devices (--set training.microBatch=...), got 24 / 4 and 4',
    ],
    [
      { training: { batchSize: 24 }, engine: { name: 'xla', devices: 4 } },
      'training.batchSize / training.microBatch must be a multiple of engine.devices (--set training.microBatch=...), got 24 / 24 and 4',
    ],
    [
      { model: { patch: 15 } },
      'both sides of model.image must be multiples of model.patch, got [224,224] and 15',
    ],
    [{ model: { heads: 5 } }, 'model.width must be a multiple of model.heads, got 768 and 5'],
    [
      { model: { channels: 1 } },
      'data.mean and data.std must have a value for each of model.channels, got [0.485,0.456,0.406] and [0.229,0.224,0.225] and 1',
    ],
    [{ data: { std: [1, 0, 1] } }, 'data.std must be above 0, got [1,0,1]'],
  ])('refuses %j', (input, expected) => {
    expect(message(input)).toBe(expected);
  });

  it('names every wrong setting at once', () => {
    expect(message({ seed: -1, data: { flip: 2 } }).split('\n')).toHaveLength(2);
  });

  it('describes every setting', () => {
    for (const setting of settings(configSchema)) {
      expect(setting.description, setting.path).not.toBe('');
      // Runs without parts of the user's own have no such settings.
      if (!setting.path.startsWith('own.')) expect(setting.default, setting.path).toBeDefined();
    }
  });
});

describe('overrides', () => {
  it.each([
    ['training.epochs=3', { training: { epochs: 3 } }],
    ['training.learningRate = 1e-3', { training: { learningRate: 1e-3 } }],
    ['model.image=[32,48]', { model: { image: [32, 48] } }],
    ['model.image=32, 48', { model: { image: [32, 48] } }],
    ['model.classToken=true', { model: { classToken: true } }],
    ['data.source=7', { data: { source: '7' } }],
    ['data.source=a=b', { data: { source: 'a=b' } }],
    ['training.epochs=many', { training: { epochs: 'many' } }],
    ['training.epochs=', { training: { epochs: '' } }],
  ])('reads %s', (assignment, expected) => {
    expect(parseOverride(assignment)).toEqual(expected);
  });

  it.each([
    ['epochs', 'a setting must be written key.path=value, got "epochs"'],
    ['epochs=3', 'unknown setting "epochs" (did you mean "training.epochs"?)'],
    ['training.epoch=3', 'unknown setting "training.epoch" (did you mean "training.epochs"?)'],
    ['trainign.epochs=3', 'unknown setting "trainign" (did you mean "training"?)'],
    ['training=3', '"training" is a group of settings, name one of them'],
    ['__proto__.x=1', 'unknown setting "__proto__"'],
  ])('refuses %s', (assignment, expected) => {
    expect(() => parseOverride(assignment)).toThrow(expected);
  });

  it('lays settings over settings', () => {
    const merged = mergeConfig(
      { training: { epochs: 1, clip: 1 }, data: { mean: [1, 2, 3] } },
      { training: { epochs: 2 }, data: { mean: [4] } },
      { seed: undefined },
    );
    expect(merged).toEqual({ training: { epochs: 2, clip: 1 }, data: { mean: [4] } });
  });
});
