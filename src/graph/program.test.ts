import { describe, expect, it } from 'vitest';
import { add, applyAll, defineOperation, exp, GraphError, input, mul, operations, program } from './index.ts';
import { checkInputs } from './program.ts';
import { topologicalOrder } from './topology.ts';

const x = input('x', [2]);
const y = input('y', [3], 'u8');

describe('a program', () => {
  it('takes what its outputs depend on', () => {
    expect(Object.keys(program('p', { z: exp(x) }).inputs)).toEqual(['x']);
    expect(Object.keys(program('p', { z: exp(x), y }).inputs)).toEqual(['x', 'y']);
  });

  it('refuses two inputs of one name', () => {
    expect(() => program('p', { z: add(x, input('x', [2])) })).toThrow(
      'program "p": input names are unique, got "x" twice',
    );
  });

  it('refuses values of another type or length, and missing ones', () => {
    const p = program('p', { x, y });
    const check = (dtype: 'f32' | 'i32' | 'u8', length: number) => () =>
      checkInputs(p, (name) => (name === 'x' ? { dtype: 'f32', length: 2 } : { dtype, length }));
    expect(check('u8', 3)).not.toThrow();
    expect(check('u8', 4)).toThrow('program "p" takes u8[3] as "y", got 4 values of u8');
    expect(check('i32', 3)).toThrow('program "p" takes u8[3] as "y", got 3 values of i32');
    expect(() => checkInputs(p, () => undefined)).toThrow(
      new GraphError('program "p" takes f32[2] as "x", got nothing'),
    );
  });
});

describe('the order of nodes', () => {
  it('puts each once, after its inputs', () => {
    const once = exp(x);
    const order = topologicalOrder([mul(once, add(once, x)), once]);
    expect(order.map(({ operation }) => operation.name)).toEqual(['input', 'exp', 'add', 'mul']);
  });

  it('ends at settled nodes', () => {
    const [a, b] = [exp(x), exp(x)];
    const order = topologicalOrder([add(exp(a), b)], new Set([a.node, b.node]));
    expect(order.map(({ operation }) => operation.name)).toEqual(['exp', 'add']);
  });
});

describe('the table of operations', () => {
  it('holds each name once', () => {
    expect(() => defineOperation(operations().get('exp')!)).toThrow(
      'operation names are unique, got "exp" twice',
    );
  });

  it('describes every output of a node', () => {
    const node = applyAll(operations().get('split')!, [input('x', [4])], { axis: 0, count: 2 })[0]!.node;
    expect(node.outputs.map(({ index, shape }) => [index, shape])).toEqual([
      [0, [2]],
      [1, [2]],
    ]);
  });
});
