import { expect, it } from 'vitest';
import { renderCurves } from './curves.ts';

const row = (step: number, more: object = {}) => ({ step, epoch: step, loss: 2 - 0.1 * step, ...more });

it('draws accuracies in a separate panel, and evaluation losses next to training losses', () => {
  const judged = {
    top1: 0.25,
    top5: 0.75,
    evaluationLoss: 1.5,
    emaTop1: 0.2,
    emaTop5: 0.7,
    emaEvaluationLoss: 1.6,
  };
  const drawn = renderCurves([row(1), row(2, judged), row(3), row(4, { ...judged, top1: 0.5 })], {
    title: 'run',
  });
  for (const text of ['Accuracy', 'top-1', 'top-5', 'EMA top-1', 'held-out', 'top-1 50.0 %'])
    expect(drawn).toContain(text);
  expect(drawn).not.toContain('Parts of the loss');
  expect(renderCurves([row(1), row(2)], { title: 'run' })).not.toContain('Accuracy');
});
