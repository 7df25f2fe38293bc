import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { normals, seed } from '../../../../tests/support/random.ts';
import { TinyTraining } from '../../../../tests/support/tiny-training.ts';
import { openCpuXla } from '../../../../tests/support/xla.ts';
import {
  attention,
  concat,
  constant,
  div,
  exp,
  grad,
  input,
  log,
  matmul,
  mul,
  type Program,
  program,
  reshape,
  sliceAxis,
  square,
  sub,
  sum,
  sumAll,
  type Tensor,
  transpose,
} from '../../../graph/index.ts';
import { optimise } from '../../../graph/passes/optimise.ts';
import { type Operation, sizeOf } from '../../../graph/tensor.ts';
import { topologicalOrder } from '../../../graph/topology.ts';
import { block, blockParameters } from '../../../nn/block.ts';
import { rng } from '../../../random/rng.ts';
import { evaluateProgram } from '../../reference/evaluate.ts';
import { programText } from '../run-program.ts';
import { stepModule } from '../step-module.ts';
import { fusedAttention } from './fused-attention.ts';
import { lower } from './lower.ts';

interface Call {
  readonly target: string;
  readonly apiVersion: number;
  readonly config: unknown;
  readonly operands: readonly string[];
  readonly results: readonly string[];
  readonly operandLayouts: readonly (readonly number[])[];
  readonly resultLayouts: readonly (readonly number[])[];
  /** The origin of each operand, through all operations that only move numbers. */
  readonly sources: readonly string[];
}

interface Printed {
  readonly calls: readonly Call[];
  /** The origins of y and the gradients. */
  readonly results: readonly string[];
}

/** Attention from queries [B, h, N, d] to keys and values [B, h, M, d], and its gradients. */
function attentionProgram(
  batch: number,
  heads: number,
  tokens: readonly [number, number],
  features: number,
): Program {
  const [queries, keys] = tokens;
  const q = input('q', [batch, heads, queries, features]);
  const [k, v] = ['k', 'v'].map((name) => input(name, [batch, heads, keys, features]));
  const y = attention(q, k!, v!);
  const [dq, dk, dv] = y.node.operation.vjp!(y.node, [input('dy', y.shape)])!;
  return program('attention', { y, dq: dq!, dk: dk!, dv: dv! });
}

describe("the calls equal JAX's", () => {
  const path = fileURLToPath(new URL('../../../../tests/fixtures/cudnn-calls.json', import.meta.url));
  const { cases } = JSON.parse(readFileSync(path, 'utf8'));
  it.each<
    Printed & { form: 'fused' | 'padded' } & Record<
        'batch' | 'heads' | 'queries' | 'keys' | 'features',
        number
      >
  >(cases)(
    '$form: $queries queries, $keys keys, heads of $features',
    ({ form, batch, heads, queries, keys, features, calls, results }) => {
      const printed = read(form, attentionProgram(batch, heads, [queries, keys], features));
      expect(printed.calls).toEqual(calls);
      expect(printed.results).toEqual(results);
    },
  );
});

/** Parses the calls in a program's text. */
function read(attention: 'fused' | 'padded', attended: Program): Printed {
  const { text, inputs } = lower(attended, 'attended', { precision: 'bf16', attention });
  const lines = text.split('\n');
  const made = new Map<string, string>();
  for (const line of lines) made.set(/^ *(%\w+)/.exec(line)?.[1] ?? '', line);
  const names = { __cudnn$fmhaSoftmax: 'forward', __cudnn$fmhaSoftmaxBackward: 'backward' };
  const source = (value: string): string => {
    const [id, number] = value.split('#') as [string, string | undefined];
    const argument = /^%arg(\d+)$/.exec(id);
    if (argument) return inputs[Number(argument[1])]![0];
    const line = made.get(id)!;
    const call = /custom_call @(\S+)\(/.exec(line)?.[1] as keyof typeof names | undefined;
    if (call) return `${names[call]} ${number}`;
    const length = /stablehlo.constant dense<(\d+)> : tensor<\d+xi32>/.exec(line);
    if (length) return `length ${length[1]}`;
    expect(line).toMatch(/stablehlo\.(convert|transpose|reshape|slice|pad) /);
    return source(/(%[\w#]+),? /.exec(line.slice(line.indexOf('=')))![1]!);
  };
  const calls = lines.flatMap((line): Call[] => {
    const parts = /custom_call @(\S+)\((.*?)\) \{(.*)\} : \((.*)\) -> \((.*)\)$/.exec(line);
    if (!parts) return [];
    const [, target, operands, attributes, from, to] = parts as unknown as string[];
    const [before, after] = attributes!.split('result_layouts') as [string, string];
    const layouts = (part: string) =>
      Array.from(part.matchAll(/dense<\[(.*?)\]> : tensor<\dxindex>/g), (each) => JSON.parse(`[${each[1]}]`));
    const config = /backend_config = "(.*?)"/.exec(before)![1]!.replaceAll('\\22', '"');
    return [
      {
        target: target!,
        apiVersion: Number(/api_version = (\d+) : i32/.exec(before)![1]),
        config: JSON.parse(config),
        operands: from!.split(', '),
        results: to!.split(', '),
        operandLayouts: layouts(before),
        resultLayouts: layouts(after),
        sources: operands!.split(', ').map(source),
      },
    ];
  });
  const results = /return (.*) :/.exec(text)![1]!.split(', ').map(source);
  return { calls, results };
}

it.each([
  ['fused', 49],
  ['fused', 50],
  ['padded', 49],
] as const)(
  'is accepted by XLA; on the CPU only the kernel is missing: %s, %i tokens',
  async (attention, tokens) => {
    const { client } = await openCpuXla();
    const text = programText(attentionProgram(2, 3, [tokens, tokens], 16), {
      precision: 'bf16',
      attention,
    });
    await expect(client.compile(text, { devices: [0] })).rejects.toThrow(
      /custom call to __cudnn\$fmhaSoftmax/,
    );
  },
);

it('is read in a whole step, rematerialised and in micro-batches', async () => {
  const { client } = await openCpuXla();
  const training = new TinyTraining({ depth: 1, pretext: 'masked' });
  const batch = training.batch(0);
  const form = { precision: 'bf16', attention: 'fused', rematerialise: true, count: 2, replicas: 1 } as const;
  const { text } = stepModule(training.adamw(), (name) => !(name in batch), form);
  await expect(client.compile(text, { devices: [0] })).rejects.toThrow(/custom call to __cudnn\$fmhaSoftmax/);
});

describe(`the two operations give the composite's values and gradients (SEED=${seed})`, () => {
  it.each<[string, Program]>([
    ['even', attentionProgram(2, 3, [6, 6], 8)],
    ['odd', attentionProgram(2, 3, [7, 7], 8)],
    ['odd queries, even keys', attentionProgram(2, 3, [5, 4], 8)],
    ['even queries, odd keys', attentionProgram(2, 3, [4, 5], 8)],
    ['one token', attentionProgram(2, 3, [1, 1], 8)],
    ['a block of 6 tokens', blockProgram(6)],
    ['a block of 7 tokens', blockProgram(7)],
    ['the last tokens of a block', blockProgram(8, 3)],
  ])('%s', (_, whole) => {
    const random = rng(seed, 'fused');
    const values = Object.fromEntries(
      Object.entries(whole.inputs).map(([name, { shape }]) => [name, normals(random, sizeOf(shape))]),
    );
    const truth = evaluateProgram(whole, values);
    for (const form of ['fused', 'padded'] as const) {
      const fused = optimise(whole, {
        keep: new Set(['linear']),
        decompositions: { ...fusedAttention(form), ...meaning },
      });
      const got = evaluateProgram(fused, values);
      for (const [name, expected] of Object.entries(truth)) {
        const largest = Math.max(...Array.from(expected, Math.abs));
        const apart = Math.max(...Array.from(expected, (x, i) => Math.abs(x - got[name]![i]!)));
        expect(apart / Math.max(1, largest), `${form}: ${name}`).toBeLessThan(1e-12);
      }
    }
  });

  it.each([0, 2])('runs the forward pass once, without transposes; from token %i on', (from) => {
    const kept = new Set(['linear', 'softmax', 'layerNorm']);
    const { outputs } = optimise(blockProgram(6, from), {
      keep: kept,
      decompositions: fusedAttention('fused'),
    });
    const nodes = topologicalOrder(Object.values(outputs));
    const names = nodes.map(({ operation }) => operation.name);
    expect(names.filter((name) => name === 'fusedAttention')).toHaveLength(1);
    expect(names.filter((name) => name === 'fusedAttentionGrad')).toHaveLength(1);
    expect(names).not.toContain('transpose');
    expect(names).not.toContain('softmax');
    // Queries, keys and values have separate layers; no pass over the activations splits them.
    expect(names.filter((name) => name === 'linear')).toHaveLength(6);
    const cut = nodes
      .filter(({ operation }) => operation.name === 'slice')
      .map(({ inputs: [x] }) => x!.shape);
    expect(cut.filter((shape) => shape.length > 2 && shape.at(-1) !== 16)).toEqual([]);
  });
});

/** A transformer block from a given token on, and the gradients of its input and weights. */
function blockProgram(tokens: number, from = 0): Program {
  const x = input('x', [2, tokens, 16]);
  const weights = Object.fromEntries(
    blockParameters('b', 16, 2).map(({ name, shape }) => [name, input(name, shape)]),
  );
  const y = block(x, (name) => weights[name]!, 'b', 2, { from });
  const gradients = grad(sumAll(square(y)), [x, ...Object.values(weights)]);
  const named = ['x', ...Object.keys(weights)].map((name, i) => [`grad:${name}`, gradients[i]!]);
  return program('block', { y, ...Object.fromEntries(named) });
}

const swapped = (x: Tensor) => transpose(x, [0, 2, 1, 3]);

/** Scores [B, h, N, M] of the valid queries and keys [B, N, h, d]. */
function scores(q: Tensor, k: Tensor, scale: number): Tensor {
  return matmul(swapped(q), swapped(k), { transposeB: true, alpha: scale });
}

/** The valid tokens of [B, N, h, d]. */
const first = (x: Tensor, tokens: number) => sliceAxis(x, 1, 0, tokens);

/** `x` with up to one padding token, of numbers that must not matter or must be 0. */
function filled(x: Tensor, axis: number, tokens: number, value: number): Tensor {
  const missing = tokens - x.shape[axis]!;
  if (missing === 0) return x;
  const shape = x.shape.with(axis, missing);
  return concat([x, constant(new Float32Array(sizeOf(shape)).fill(value), shape)], axis);
}

/** Definitions of the two operations by primitives (FlashAttention, arXiv 2205.14135); undefined values are 1e3. */
const meaning: Readonly<Record<string, NonNullable<Operation['decompose']>>> = {
  barrier: (_, inputs) => [...inputs],
  fusedAttention: ({ attributes: { scale, tokens } }, inputs) => {
    const [q, k, v] = inputs.map((x, i) => first(x, tokens[Math.min(i, 1)])) as [Tensor, Tensor, Tensor];
    const exponentials = exp(scores(q, k, scale));
    const sums = sum(exponentials, [3]); // [B, h, N, 1]
    const y = swapped(matmul(div(exponentials, sums), swapped(v)));
    const statistics = reshape(log(sums), sums.shape.slice(0, 3));
    const whole = inputs[0]!.shape[1]!;
    return [filled(y, 1, whole, 1e3), filled(statistics, 2, whole, 1e3)];
  },
  fusedAttentionGrad: ({ attributes: { scale, tokens } }, [q, k, v, y, dy, statistics]) => {
    const [queries, keys] = tokens;
    const [cutQ, cutK, cutV] = [first(q!, queries), first(k!, keys), first(v!, keys)];
    const [cutY, cutDy] = [first(y!, queries), first(dy!, queries)];
    const logarithms = sliceAxis(statistics!, 2, 0, queries);
    const p = exp(sub(scores(cutQ, cutK, scale), reshape(logarithms, [...logarithms.shape, 1])));
    const dp = matmul(swapped(cutDy), swapped(cutV), { transposeB: true });
    const ds = mul(p, sub(dp, swapped(sum(mul(cutDy, cutY), [3]))));
    const dq = swapped(matmul(ds, swapped(cutK), { alpha: scale }));
    const dk = swapped(matmul(ds, swapped(cutQ), { transposeA: true, alpha: scale }));
    const dv = swapped(matmul(p, swapped(cutDy), { transposeA: true }));
    const [n, m] = [q!.shape[1]!, k!.shape[1]!];
    return [filled(dq, 1, n, 1e3), filled(dk, 1, m, 1e3), filled(dv, 1, m, 1e3)];
  },
};
