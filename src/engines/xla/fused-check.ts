import { attention } from '../../graph/composites/attention.ts';
import { grad } from '../../graph/grad.ts';
import { mul } from '../../graph/operations/elementwise.ts';
import { sumAll } from '../../graph/operations/reduce.ts';
import { input } from '../../graph/operations/source.ts';
import { type Program, program } from '../../graph/program.ts';
import { sizeOf, type Values } from '../../graph/tensor.ts';

/** The sides that decide which attention kernel runs: all but the numbers of samples and heads. */
export interface AttentionSize {
  readonly queries: number;
  readonly keys: number;
  readonly features: number;
  readonly scale: number;
}

/** Largest difference due to rounding to bfloat16, relative to a tensor's largest value. */
const TOLERANCE = 0.03;

/** Attention of two samples with two heads, and its gradients. @param prefix of the inputs' names */
export function checkProgram({ queries, keys, features, scale }: AttentionSize, prefix = ''): Program {
  const q = input(`${prefix}q`, [2, 2, queries, features]);
  const [k, v] = ['k', 'v'].map((name) => input(`${prefix}${name}`, [2, 2, keys, features]));
  const y = attention(q, k!, v!, scale);
  const [dq, dk, dv] = grad(sumAll(mul(y, input(`${prefix}dy`, y.shape))), [q, k!, v!]);
  return program('check', { y, dq: dq!, dk: dk!, dv: dv! });
}

/**
 * Inputs for the trial. Scores are about -4. A kernel that wrongly attends to padding (score 0) would thus give it
 * the largest weight.
 */
export function checkInputs({ inputs }: Program, { features, scale }: AttentionSize): Values {
  const shift = 2 / Math.sqrt(features * scale);
  const means: Readonly<Record<string, number>> = { q: shift, k: -shift }; // by the last letter of the name
  const entries = Object.entries(inputs).map(([name, { shape }], which) => {
    const values = Float32Array.from(
      { length: sizeOf(shape) },
      (_, i) => (means[name.at(-1)!] ?? 0) + spread(4 * i + which),
    );
    return [name, values] as const;
  });
  return Object.fromEntries(entries);
}

/** Evenly spread numbers with mean 0 and variance 1. */
function spread(i: number): number {
  const fraction = Math.abs(Math.sin(i + 1) * 43758.5453) % 1;
  return Math.sqrt(12) * (fraction - 0.5);
}

/** Describes an output that differs by more than rounding; undefined if none does. */
export function disagreement(got: Values, expected: Values): string | undefined {
  const apart = Object.entries(expected).map(([name, truth]) => {
    let [largest, difference] = [0, 0];
    truth.forEach((x, i) => {
      largest = Math.max(largest, Math.abs(x));
      difference = Math.max(difference, Math.abs(x - got[name]![i]!)); // keeps NaN
    });
    return { name, error: difference / largest };
  });
  const wrong = apart.find(({ error }) => !(error <= TOLERANCE));
  return wrong && `${wrong.name} differs by ${wrong.error.toPrecision(2)} of its largest value`;
}
