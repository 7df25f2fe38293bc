/** Tensors, operations, gradients and programs, which every engine runs. */
export * from '../graph/index.ts';
export type { ParameterGroup, UpdateRule } from '../graph/update.ts';
