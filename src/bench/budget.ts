import type { Precision } from '../engines/onednn/lower.ts';
import { modelConfig } from '../models/sizes.ts';
import { detectStep } from './detect-step.ts';
import { type BenchStep, finetuneStep, pretrainStep, segmentStep } from './step.ts';
import { oneDnnWork, onnxWork, type Work } from './work.ts';

/** Work by step and engine. */
export type Budget = Readonly<Record<string, Work>>;

/** Counts the work of the benchmark's steps. Takes about two seconds. */
export function countWork(): Budget {
  const steps = {
    'pretrain base, batch 32': pretrainStep(modelConfig('base'), 'masked', 32),
    'pretrain micro, batch 256': pretrainStep(modelConfig('micro'), 'masked', 256),
    'finetune small, batch 32': finetuneStep(modelConfig('small'), 32),
    'segment small, UperNet, batch 4': segmentStep(modelConfig('small', { image: [512, 512] }), 'upernet', 4),
    'detect shapes': detectStep('shapes'),
  };
  const counted = Object.entries(steps).flatMap(
    ([name, step]) =>
      [
        [`${name}, onnx`, onnxWork(step.plan.gradients)],
        [`${name}, onednn f32`, oneDnnStepWork(step, 'f32')],
        [`${name}, onednn bf16`, oneDnnStepWork(step, 'bf16')],
      ] as const,
  );
  return Object.fromEntries(counted.map(([name, work]) => [name, rounded(work)]));
}

/** Work of a step's program as the onednn engine plans it. */
export function oneDnnStepWork({ plan, inputs, specs }: BenchStep, precision: Precision): Work {
  const { gradients, midway } = plan;
  const state = new Set(specs.map(({ name }) => name));
  const made = midway ? Object.keys(gradients.inputs).filter((name) => !state.has(name)) : [];
  return oneDnnWork(gradients, new Set([...Object.keys(inputs), ...made]), precision, midway);
}

/** Relative growth of a figure that is allowed. */
const TOLERANCE = 0.02;

/**
 * Figures that exceed a budget by more than 2 %, one per line: `pretrain base, batch 32, onnx: Transpose grew from
 * 160 to 200`.
 */
export function growth(budget: Budget, counted: Budget): string[] {
  return Object.entries(counted).flatMap(([name, now]) => {
    const before = budget[name];
    if (!before) return [`${name}: has no budget`];
    const known = { ...before.operators, ...figures(before) };
    return Object.entries({ ...now.operators, ...figures(now) }).flatMap(([what, value]) => {
      const allowed = known[what] ?? 0;
      return value > allowed * (1 + TOLERANCE) ? [`${name}: ${what} grew from ${allowed} to ${value}`] : [];
    });
  });
}

function figures({ gflop, movedMB, plannedMB }: Work): Record<string, number> {
  return { gflop, movedMB, ...(plannedMB !== undefined && { plannedMB }) };
}

function rounded(work: Work): Work {
  const operators = Object.fromEntries(Object.entries(work.operators).sort(([a], [b]) => (a < b ? -1 : 1)));
  const numbers = Object.entries(figures(work)).map(([name, value]) => [name, Number(value.toPrecision(5))]);
  return { operators, ...Object.fromEntries(numbers) };
}
