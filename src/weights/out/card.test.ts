import { expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { encoderParameters } from '../../models/encoder.ts';
import { modelConfig } from '../../models/sizes.ts';
import { initialise } from '../../nn/init.ts';
import type { Model } from '../model.ts';
import { modelCard } from './card.ts';

it.each(['sincos1d', 'sincos2d'] as const)(
  'says whether %s positions are those of their grid',
  (positions) => {
    const encoder = { ...modelConfig('tiny', { image: [16, 8], patch: 4, depth: 1 }), positions };
    const weights = initialise(encoderParameters(encoder), seed) as Record<string, Float32Array>;
    const rowOf = (table: Float32Array) => {
      const model = {
        ...{ source: 'beyond-masking', path: 'a.safetensors', encoder, evaluationCrop: 1 },
        ...{
          normalisation: { mean: [0, 0, 0], std: [1, 1, 1] },
          report: { tensors: [], missing: [], notes: [] },
        },
        weights: { ...weights, pos_embed: table },
      } as const satisfies Model;
      const card = modelCard(model, {
        ...{ format: 'timm', part: 'features', record: { measures: [] }, checks: [] },
        written: { usage: '', notes: [], library: 'timm' },
      });
      return /^\| positions \| (.*) \|$/m.exec(card)?.[1];
    };
    const name = `fixed, ${positions[6]}-D sines and cosines`;
    const table = weights.pos_embed!;
    expect(rowOf(table)).toBe(name);
    expect(rowOf(table.map((x) => 0.9 * x))).toBe(
      `${name}, interpolated from those of another grid of patches`,
    );
  },
);
