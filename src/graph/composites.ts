/** Operations made of primitives. An engine may compute one as a whole instead. */
export * from './composites/attention.ts';
export * from './composites/batch-norm.ts';
export * from './composites/cross-entropy.ts';
export * from './composites/gelu.ts';
export * from './composites/heads.ts';
export * from './composites/layer-norm.ts';
export * from './composites/linear.ts';
export * from './composites/mlp.ts';
export * from './composites/relu.ts';
export * from './composites/softmax.ts';
export * from './composites/split.ts';
export * from './composites/sum-of-squares.ts';
