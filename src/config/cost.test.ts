import { expect, it } from 'vitest';
import { input, type Program, program, sizeOf, type Tensor } from '../graph/index.ts';
import { optimise } from '../graph/passes/optimise.ts';
import { topologicalOrder } from '../graph/topology.ts';
import { classifierParameters, classify } from '../models/classifier.ts';
import { finetuneFlops } from './cost.ts';
import { parseFinetuneConfig } from './finetune-schema.ts';

/** Operations of the matrix products of a program: two for each product of numbers. */
function matmulFlops(of: Program): number {
  const { outputs } = optimise(of);
  const nodes = topologicalOrder(Object.values(outputs)).filter(
    ({ operation }) => operation.name === 'matmul',
  );
  return nodes.reduce((sum, { inputs: [a], attributes, outputs: [product] }) => {
    const inner = (a as Tensor).shape.at(attributes.transposeA ? -2 : -1)!;
    return sum + 2 * inner * sizeOf(product!.shape);
  }, 0);
}

it.each([false, true])('finetuneFlops counts the products of the graph, class token: %s', (classToken) => {
  const config = parseFinetuneConfig({
    model: { image: [16, 24], patch: 4, width: 20, depth: 3, heads: 5, mlpRatio: 3, classToken },
  });
  const model = { ...config.model, classes: 7 };
  const shapes = new Map(classifierParameters(model).map(({ name, shape }) => [name, shape]));
  const weights = (name: string) => input(name, shapes.get(name)!);
  const batch = 2;
  const logits = classify(model, weights, input('image', [batch, 3, 16, 24]));
  const forward = matmulFlops(program('classify', { logits }));
  expect(finetuneFlops(config, 7) * batch).toBe(3 * forward);
});
