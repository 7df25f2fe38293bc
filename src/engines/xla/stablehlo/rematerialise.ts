import type { Decompositions } from '../../../graph/passes/optimise.ts';
import { applyAll, type Operation } from '../../../graph/tensor.ts';

/**
 * Identity that XLA cannot see through: results computed from its outputs are recomputed, and only after all inputs
 * exist.
 */
export const barrierOperation: Operation = {
  name: 'barrier',
  role: 'move',
  infer: (inputs) => inputs.map(({ shape, dtype }) => ({ shape, dtype })),
  vjp: null,
};

const recomputed: NonNullable<Operation['decompose']> = (node, inputs) =>
  node.operation.decompose!(node, applyAll(barrierOperation, inputs));

/**
 * Backward passes of attention and MLPs that recompute the attention weights and the hidden features from the block's
 * inputs. The inputs and the gradient pass a barrier, so the forward pass need not keep them (arXiv 1604.06174).
 */
export const rematerialised: Decompositions = {
  attentionGrad: recomputed,
  mlpGrad: recomputed,
};
