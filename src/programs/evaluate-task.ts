import { type Engine, gradientName } from '../engines/engine.ts';
import { input, program, sizeOf, type Tensor, type Values } from '../graph/index.ts';
import { autoencoderParameters } from '../models/autoencoder.ts';
import { channelsLast } from '../nn/patches.ts';
import { targetOf } from '../nn/targets/table.ts';
import { drawInputs } from '../tasks/draws.ts';
import { plural } from '../text/plural.ts';
import { gradientOutputs, lossesByImage, lossScalars, weightInputs } from './pretrain.ts';
import { type TaskOptions, taskGraph } from './task-graph.ts';

export interface TaskEvaluationOptions extends TaskOptions {
  /** The engine that computes. */
  readonly engine: Engine;
  /** All state tensors by name, as `autoencoderParameters` lists them. */
  readonly weights: Values;
  /** Normalised views, [B, C, Hv, Wv]; the length gives B. */
  readonly view: Float32Array;
  /** The task's draws as `drawBatch` gives them: `draw:<name>`, [B, ...shape] each. */
  readonly draws: Values;
  /** True: compute gradients too. Default: true. */
  readonly gradients?: boolean;
}

export interface TaskEvaluation {
  readonly loss: number;
  /** The terms of the loss, unweighted, by name. */
  readonly parts: Record<string, number>;
  /** [B], the loss of each image */
  readonly losses: Float32Array;
  /** [B, C, H, W], normalised: what the encoder sees before tokens are removed */
  readonly degraded: Float32Array;
  /** [B, N, size], the target's values; pixels of a patch in the order (row, column, channel), as p²·C */
  readonly prediction: Float32Array;
  /** By weight name; empty if not asked for. */
  readonly gradients: Record<string, Float32Array>;
}

/**
 * Evaluates a task for given weights, views and draws on an engine.
 * Throws RangeError where sizes, task and model do not fit, and the engine's error for missing or misshapen values.
 */
export async function evaluateTask(options: TaskEvaluationOptions): Promise<TaskEvaluation> {
  const { model, task, engine, weights, view, draws, gradients = true } = options;
  const specs = autoencoderParameters(model);
  const inputs = weightInputs(specs);
  const shape = [model.channels, ...task.view(model.image)];
  const batch = view.length / sizeOf(shape);
  if (!Number.isInteger(batch) || batch < 1)
    throw new RangeError(
      `view must hold images of [${shape.join(', ')}], got ${plural(view.length, 'value')}`,
    );
  const graph = taskGraph(options, inputs, input('view', [batch, ...shape]), drawInputs(task, model, batch));
  const scalars = lossScalars(graph);
  const trained = gradients ? specs.filter((spec) => spec.trainable) : [];
  const outputs: Record<string, Tensor> = {
    ...scalars,
    losses: lossesByImage(graph).losses!,
    degraded: graph.degraded,
    prediction: targetOf(model.target).toPixels
      ? channelsLast(graph.prediction, model.channels)
      : graph.prediction,
    ...gradientOutputs(scalars.loss!, trained, inputs),
  };
  const session = await engine.open(weights);
  try {
    const values = await session.run(program('evaluateTask', outputs), { view, ...draws });
    const array = (name: string) => values[name] as Float32Array;
    const { loss, ...parts } = Object.fromEntries(
      Object.keys(scalars).map((name) => [name, array(name)[0]!]),
    );
    return {
      loss: loss!,
      parts: parts as Record<string, number>,
      losses: array('losses'),
      degraded: array('degraded'),
      prediction: array('prediction'),
      gradients: Object.fromEntries(trained.map(({ name }) => [name, array(gradientName(name))])),
    };
  } finally {
    await session.dispose();
  }
}
