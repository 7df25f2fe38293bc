import { constant, type TensorData } from '../../src/graph/index.ts';
import type { Size } from '../../src/image/size.ts';
import type { PretextTask } from '../../src/tasks/task.ts';
import { evaluate } from './evaluate.ts';

export const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

/** A task's degradation of one view [C, Hv, Wv] on the reference engine: [C, H, W]. */
export function degradeOne(
  task: PretextTask,
  image: Size,
  view: Float32Array,
  draws: Readonly<Record<string, TensorData>> = {},
): number[] {
  const size = task.view(image);
  const channels = view.length / (size[0] * size[1]);
  const context = { image, patch: 1, channels, target: 'none', ...imagenet } as const;
  const specs = task.draws(context);
  const tensors = Object.entries(specs).map(([name, { shape }]) => [
    name,
    constant(draws[name]!, [1, ...shape]),
  ]);
  return evaluate(task.degrade(constant(view, [1, channels, ...size]), Object.fromEntries(tensors), context));
}
