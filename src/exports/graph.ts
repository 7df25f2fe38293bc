/** Tensors, operations, gradients and programs, which every engine runs. */
export * from '../graph/index.ts';
// Types of these signatures
export type { Pair } from '../graph/operations/conv.ts';
export type { Operand } from '../graph/operations/elementwise.ts';
export type { Cotangents } from '../graph/tensor.ts';
export type { ParameterGroup, UpdateRule } from '../graph/update.ts';
