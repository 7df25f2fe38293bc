import { expect, it } from 'vitest';
import { programFlops } from '../graph/flops.ts';
import { input, program } from '../graph/index.ts';
import { classifierParameters, classify } from '../models/classifier.ts';
import { finetuneFlops } from './cost.ts';
import { parseFinetuneConfig } from './finetune-schema.ts';

it.each([false, true])('finetuneFlops counts the products of the graph, class token: %s', (classToken) => {
  const config = parseFinetuneConfig({
    model: { image: [16, 24], patch: 4, width: 20, depth: 3, heads: 5, mlpRatio: 3, classToken },
  });
  const model = { ...config.model, classes: 7 };
  const shapes = new Map(classifierParameters(model).map(({ name, shape }) => [name, shape]));
  const weights = (name: string) => input(name, shapes.get(name)!);
  const batch = 2;
  const logits = classify(model, weights, input('image', [batch, 3, 16, 24]));
  const forward = programFlops(program('classify', { logits }));
  expect(finetuneFlops(config, 7) * batch).toBe(3 * forward);
});
