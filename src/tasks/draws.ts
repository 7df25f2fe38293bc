import { allocate, input, sizeOf, type Tensor, type Values } from '../graph/index.ts';
import type { Geometry } from '../image/size.ts';
import type { Rng } from '../random/rng.ts';
import type { PretextTask } from './task.ts';

/** The name of a task's draw among the inputs of a program. */
export function drawName(name: string): string {
  return `draw:${name}`;
}

/** A task's draws for a batch as inputs of the graph: [batch, ...shape] by name. */
export function drawInputs(task: PretextTask, geometry: Geometry, batch: number): Record<string, Tensor> {
  const specs = Object.entries(task.draws(geometry));
  return Object.fromEntries(
    specs.map(([name, { shape, dtype }]) => [name, input(drawName(name), [batch, ...shape], dtype)]),
  );
}

/** The draws of a batch, with one stream per image, keyed as the inputs of a program (`draw:<name>`). */
export function drawBatch(task: PretextTask, geometry: Geometry, streams: readonly Rng[]): Values {
  const images = streams.map((stream) => task.draw(stream, geometry));
  const batch: Values = {};
  for (const [name, { shape, dtype }] of Object.entries(task.draws(geometry))) {
    const size = sizeOf(shape);
    const values = allocate(dtype, size * images.length);
    images.forEach((image, i) => {
      values.set(image[name]!, i * size);
    });
    batch[drawName(name)] = values;
  }
  return batch;
}
