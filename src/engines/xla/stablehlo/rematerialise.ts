import type { Decompositions } from '../../../graph/passes/optimise.ts';
import { applyAll, type Operation } from '../../../graph/tensor.ts';

/** Gives its inputs; what is computed from them is not taken from what was computed before, nor before all are there. */
export const barrierOperation: Operation = {
  name: 'barrier',
  role: 'move',
  infer: (inputs) => inputs.map(({ shape, dtype }) => ({ shape, dtype })),
  vjp: null,
};

const anew: NonNullable<Operation['decompose']> = (node, inputs) =>
  node.operation.decompose!(node, applyAll(barrierOperation, inputs));

/**
 * Backward passes of attention and MLPs that compute the weights of attention and the hidden side anew from the block's
 * inputs, which with the gradient pass a barrier: they need not be kept from the forward pass (arXiv 1604.06174).
 */
export const rematerialised: Decompositions = {
  attentionGrad: anew,
  mlpGrad: anew,
};
