import { describe, expect, it } from 'vitest';
import { readFixture } from '../../../tests/support/fixture.ts';
import { normals, seed, withRandom } from '../../../tests/support/random.ts';
import { relativeError } from '../../../tests/support/task-fixture.ts';
import { openOnnxEngine } from '../../engines/onnx/engine.ts';
import { referenceEngine } from '../../engines/reference/engine.ts';
import { lars } from '../../optim/lars.ts';
import { sgd } from '../../optim/sgd.ts';
import { rng } from '../../random/rng.ts';
import { BatchNorm, type LinearHead } from './batch-norm.ts';
import { linearAccuracy } from './linear-accuracy.ts';
import { ProbeTrainer } from './probe-trainer.ts';

const rules = {
  lars: (rates: readonly number[]) => lars({ momentum: 0.9, trust: 0.001, rates }),
  sgd: (rates: readonly number[]) => sgd({ momentum: 0.9, rates }),
};

function logits({ weight, bias }: LinearHead, rows: Float32Array): number[] {
  const width = weight.length / bias.length;
  return Array.from({ length: rows.length / width }, (_, n) =>
    Array.from(bias, (b, k) => {
      let sum = b;
      for (let i = 0; i < width; i++) sum += weight[k * width + i]! * rows[n * width + i]!;
      return sum;
    }),
  ).flat();
}

describe('ProbeTrainer', () => {
  it.each([
    ['lars', 'reference'],
    ['sgd', 'reference'],
    ['lars', 'onnx'],
    ['sgd', 'onnx'],
  ] as const)("%s on %s: heads, losses and averages agree with PyTorch's", async (name, on) => {
    const tolerance = on === 'onnx' ? 1e-4 : 1e-5; // of float32 and of float64
    const engine = on === 'onnx' ? await openOnnxEngine({ threads: 1 }) : referenceEngine;
    const { float, ints, metadata } = await readFixture('probe');
    const { lr, rates, classes } = metadata('probe');
    const train = { features: float('probe.features'), labels: ints('probe.labels') };
    const batches = ints('probe.batches');
    const batchSize = batches.length / lr.length;
    const start = float('probe.start');
    const trainer = await ProbeTrainer.open({
      ...{ engine, rule: rules[name](rates[name]), sets: [train], classes, start, batchSize },
      heads: 2,
    });
    const losses: number[][] = [];
    for (let step = 0; step < lr.length; step++)
      losses.push(
        await trainer.update(
          trainer.prepare(batches.slice(step * batchSize, (step + 1) * batchSize)),
          lr[step],
        ),
      );
    expect(relativeError(trainer.norms[0]!.mean, float('probe.mean'))).toBeLessThan(1e-6);
    expect(relativeError(trainer.norms[0]!.variance, float('probe.variance'))).toBeLessThan(1e-6);
    const [heads] = await trainer.heads();
    for (const i of [0, 1]) {
      const own = losses.map((all) => all[i]!);
      expect(relativeError(own, float(`probe.${name}.${i}.losses`))).toBeLessThan(tolerance);
      // Folded heads on features as they are give what PyTorch's batch norm and linear layer give.
      const got = logits(heads![i]!, float('probe.test'));
      expect(relativeError(got, float(`probe.${name}.${i}.logits`))).toBeLessThan(tolerance);
    }
    await trainer.dispose();
  });

  it('computes large batches in parts, with the same result', async () => {
    const [rows, classes] = [48, 5];
    const train = {
      features: Float32Array.from({ length: rows * 2 }, (_, i) => Math.sin(i * i)),
      labels: Int32Array.from({ length: rows }, (_, i) => i % classes),
    };
    const start = Float32Array.from({ length: classes * 2 }, (_, i) => Math.cos(i * i));
    const indices = Int32Array.from({ length: rows }, (_, i) => i);
    const given = { engine: referenceEngine, sets: [train], classes, start, batchSize: rows };
    const one = await ProbeTrainer.open({ ...given, heads: 1, rule: rules.sgd([1]) });
    const two = await ProbeTrainer.open({ ...given, heads: 2, rule: rules.sgd([1, 1]), logitsAtOnce: 130 }); // parts of 12 rows
    const [expected] = await one.update(one.prepare(indices), 1);
    const got = await two.update(two.prepare(indices), 1);
    for (const loss of got) expect(loss).toBeCloseTo(expected!, 5);
    const [[head]] = (await one.heads()) as [[LinearHead]];
    for (const other of (await two.heads()).flat())
      expect(relativeError(other.weight, head!.weight)).toBeLessThan(1e-5);
  });
});

it('folding a batch norm preserves the outputs', () => {
  withRandom(20, (random) => {
    const [rows, width, classes] = [2 + random.int(6), 1 + random.int(5), 2];
    const norm = new BatchNorm(width);
    for (let step = 0; step < 3; step++) norm.train(normals(random, rows * width, 3));
    const head = { weight: normals(random, classes * width), bias: normals(random, classes) };
    const features = normals(random, rows * width, 3);
    const folded = logits(norm.fold(head), features);
    norm.evaluate(features);
    expect(relativeError(folded, logits(head, features))).toBeLessThan(1e-4);
  });
  expect(() => new BatchNorm(3).train(new Float32Array(3))).toThrow(
    'batch norm needs at least two rows, got 1',
  );
});

it('linearAccuracy computes top-1 and top-5', async () => {
  const random = rng(seed);
  const [rows, width, classes] = [1500, 3, 8];
  const heads = [0, 1].map(() => ({
    weight: normals(random, classes * width),
    bias: normals(random, classes),
  }));
  const features = normals(random, rows * width);
  const labels = Int32Array.from({ length: rows }, () => random.int(classes));
  const got = await linearAccuracy(referenceEngine, heads, { features, labels });
  for (const [h, head] of heads.entries()) {
    const all = logits(head, features);
    const places = Array.from(labels, (label, n) => {
      const row = all.slice(n * classes, (n + 1) * classes);
      return row.filter((x) => x > row[label]!).length;
    });
    const share = (most: number) => places.filter((place) => place < most).length / rows;
    expect(got[h]!.top1, `seed ${seed}`).toBeCloseTo(share(1), 2);
    expect(got[h]!.top5, `seed ${seed}`).toBeCloseTo(share(5), 2);
  }
});
