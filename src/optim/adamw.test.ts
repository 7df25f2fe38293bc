import { describe, expect, it } from 'vitest';
import { readFixture } from '../../tests/support/fixture.ts';
import { normals, withRandom } from '../../tests/support/random.ts';
import { relativeError } from '../../tests/support/task-fixture.ts';
import { evaluateProgram } from '../engines/reference/evaluate.ts';
import { input, program, type Shape } from '../graph/index.ts';
import type { ParameterGroup } from '../graph/update.ts';
import { adamw } from './adamw.ts';

const names = ['lr', 'correction1', 'correction2', 'scale'];

type State = Record<'w' | 'm' | 'v', Float64Array>;

/** The update of one tensor as a function of arrays in double precision. */
function updater(options: Parameters<typeof adamw>[0], shape: Shape, group: ParameterGroup) {
  const rule = adamw(options);
  const scalars = Object.fromEntries(names.map((name) => [name, input(name, [])]));
  const [w, g, m, v] = ['w', 'g', 'm', 'v'].map((name) => input(name, shape));
  const { weight, slots } = rule.build(w!, g!, [m!, v!], scalars, group);
  const update = program('update', { w: weight, m: slots[0]!, v: slots[1]! });
  return (state: State, gradient: ArrayLike<number>, step: number, lr: number, scale = 1) => {
    const numbers = Object.entries({ ...rule.scalars(step, lr), scale });
    const values = Object.fromEntries(numbers.map(([name, value]) => [name, Float64Array.of(value)]));
    return evaluateProgram(update, { ...state, ...values, g: Float64Array.from(gradient) }) as State;
  };
}

const start = (weight: Float32Array) => ({
  w: Float64Array.from(weight),
  m: new Float64Array(weight.length),
  v: new Float64Array(weight.length),
});

describe('adamw', () => {
  it.each(['matrix', 'vector'])("ten steps on a %s agree with PyTorch's", async (name) => {
    const { float, shape, metadata } = await readFixture('adamw');
    const { betas, eps, weightDecay, lr } = metadata('adamw');
    const options = { beta1: betas[0], beta2: betas[1], epsilon: eps };
    const update = updater(options, shape(`start.${name}`), { weightDecay: weightDecay[name], lrScale: 1 });
    let state: State = start(float(`start.${name}`));
    const size = state.w.length;
    for (let step = 0; step < 10; step++) {
      const at = [step * size, (step + 1) * size] as const;
      state = update(state, float(`grad.${name}`).slice(...at), step, lr[step]);
      expect(relativeError(state.w, float(`after.${name}`).slice(...at)), `step ${step}`).toBeLessThan(1e-6);
    }
    expect(relativeError(state.m, float(`m.${name}`))).toBeLessThan(1e-6);
    expect(relativeError(state.v, float(`v.${name}`))).toBeLessThan(1e-6);
  });

  it('scales the gradient first, and the learning rate by group', () => {
    withRandom(10, (random) => {
      const options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
      const state = { w: normals(random, 5), m: normals(random, 5), v: normals(random, 5).map(Math.abs) };
      const wide = Object.fromEntries(Object.entries(state).map(([name, x]) => [name, Float64Array.from(x)]));
      const gradient = normals(random, 5);
      const whole = updater(options, [5], { weightDecay: 0.1, lrScale: 1 });
      const half = updater(options, [5], { weightDecay: 0.1, lrScale: 0.5 });
      const expected = whole(
        wide as never,
        Array.from(gradient, (x) => x * 0.25),
        3,
        0.01,
      );
      const got = half(wide as never, gradient, 3, 0.02, 0.25);
      for (const name of ['w', 'm', 'v'] as const)
        expect(relativeError(got[name], expected[name]), name).toBeLessThan(1e-6);
    });
  });

  it('leaves a weight alone whose gradient is always zero, if it does not decay', () => {
    const update = updater({ beta1: 0.9, beta2: 0.95, epsilon: 1e-8 }, [3], { weightDecay: 0, lrScale: 1 });
    const state = start(Float32Array.of(0, 1, -2));
    expect(update(state, [0, 0, 0], 0, 0.1).w).toEqual(state.w);
  });

  it('takes tensors of one shape and four scalars', () => {
    const rule = adamw({ beta1: 0.9, beta2: 0.95, epsilon: 1e-8 });
    const scalars = Object.fromEntries(names.map((name) => [name, input(name, [])]));
    const [a, b] = [input('a', [2]), input('b', [3])];
    expect(() => rule.build(a, b, [a, a], scalars, { weightDecay: 0, lrScale: 1 })).toThrow(
      'adamw: weight, gradient and slots of one shape take four scalars, got f32[2] and f32[3]',
    );
  });
});
