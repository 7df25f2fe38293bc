/** The primitive operations. */
export * from './operations/conv.ts';
export * from './operations/elementwise.ts';
export * from './operations/gather.ts';
export * from './operations/matmul.ts';
export * from './operations/reduce.ts';
export * from './operations/shape.ts';
export { constant, constantData, input, inputName, zeros } from './operations/source.ts';
export { broadcast, sum, sumTo } from './operations/sum.ts';
