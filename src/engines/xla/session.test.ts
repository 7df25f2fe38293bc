import { beforeAll, describe, expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { testSessions } from '../../../tests/support/session-suite.ts';
import { expectAlike, statistics, TinyTraining } from '../../../tests/support/tiny-training.ts';
import { openCpuXla } from '../../../tests/support/xla.ts';
import { pretrainPrograms } from '../../programs/pretrain.ts';
import { openOnnxEngine } from '../onnx/engine.ts';
import type { XlaEngine } from './engine.ts';
import { programText } from './run-program.ts';

// Small, because compiling takes seconds.
const training = new TinyTraining({ depth: 1, pretext: 'masked' });
const { model, pretext, programs, weights } = training;

describe(`sessions of XLA on the CPU (SEED=${seed})`, () => {
  let engine: XlaEngine;
  beforeAll(async () => {
    engine = await openCpuXla();
  });
  testSessions(training, async () => engine);

  it('ten steps equal ten steps of the onnx engine', async () => {
    const onnx = await openOnnxEngine({ threads: 1 });
    const plan = training.adamw();
    expectAlike(await training.run(engine, plan, 10), await training.run(onnx, plan, 10));
  });

  it('several devices give what one gives with the whole batch', async () => {
    const plan = training.adamw(0.1);
    const two = await openCpuXla({ devices: 2 });
    expectAlike(await training.run(two, plan, 10, 4), await training.run(engine, plan, 10, 4));
    const session = await two.open(weights);
    await expect(training.step(session, plan, 0)).rejects.toThrow(
      'a step on 2 devices takes a multiple of 2 micro-batches, got 1',
    );
    await session.dispose();
  });

  it('rematerialised steps equal the others, in less memory', async () => {
    const plan = training.adamw();
    const recomputing = await openCpuXla({ rematerialise: true });
    expectAlike(await training.run(recomputing, plan, 10), await training.run(engine, plan, 10));
    // Wide MLPs and many tokens, so that these dominate the memory.
    const large = { ...model, image: [64, 64] as const, mlpRatio: 16 };
    const { gradients } = pretrainPrograms({
      model: large,
      task: pretext,
      batch: 8,
      maskRatio: 0,
      ...statistics,
    });
    const [less, more] = await Promise.all(
      [true, false].map(async (rematerialise) => {
        const text = programText(gradients, { rematerialise });
        const executable = await engine.client.compile(text, { devices: [0] });
        const { temporary } = executable.memory()!;
        executable.destroy();
        return temporary;
      }),
    );
    expect(less! / more!).toBeLessThan(0.8);
  });

  it('gradients rounded to bfloat16 train as others do', async () => {
    const plan = training.adamw(0.1);
    const flags = { xla_allow_excess_precision: false };
    const rounded = await openCpuXla({ precision: 'bf16', gradients: 'bf16', flags });
    const [got, truth] = [await training.run(rounded, plan, 10), await training.run(engine, plan, 10)];
    got.rows.forEach(({ metrics, gradientNorm }, step) => {
      const expected = truth.rows[step]!;
      expect(Math.abs(metrics.loss! / expected.metrics.loss! - 1), `loss of step ${step}`).toBeLessThan(0.01);
      expect(Math.abs(gradientNorm / expected.gradientNorm - 1), `norm of step ${step}`).toBeLessThan(0.05);
    });
  });

  it('refuses a collective', async () => {
    const collective = { module: 'file:///mpi.mjs' };
    await expect(engine.open(weights, { collective })).rejects.toThrow(
      'the xla engine sums gradients over its own devices only, got the collective file:///mpi.mjs; set engine.devices',
    );
  });

  it('leaves nothing behind on the devices', async () => {
    const { live } = engine.client.api;
    const before = { buffers: live.buffers, events: live.events };
    const session = await engine.open(weights);
    const plan = training.adamw(0.1);
    const counts = [];
    for (let step = 0; step < 4; step++) {
      await training.step(session, plan, step, 4);
      await session.run(programs.loss, training.batch(step));
      counts.push(live.buffers);
    }
    expect(new Set(counts).size).toBe(1);
    await session.dispose();
    expect({ buffers: live.buffers, events: live.events }).toEqual(before);
  });
});
