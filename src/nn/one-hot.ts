import { abs, cast, constant, minimum, reshape, sub, type Tensor } from '../graph/index.ts';

/** Labels [N] as rows of 0 and 1, [N, K]; that of a label which is no class is 0. */
export function oneHot(labels: Tensor, classes: number): Tensor {
  const numbers = constant(
    Float32Array.from({ length: classes }, (_, k) => k),
    [1, classes],
  );
  return sub(1, minimum(abs(sub(reshape(cast(labels, 'f32'), [-1, 1]), numbers)), 1));
}
