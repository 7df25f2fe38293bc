import { recoveryLoss } from './patch-loss.ts';
import type { PretextTask } from './task.ts';

/**
 * No degradation: the basis of the other tasks. With tokens removed it is the masked task (MAE, arXiv 2111.06377).
 */
export const plain: PretextTask = {
  name: 'plain',
  summary: 'the image as it is',
  judges: 'patches',
  view: (image) => image,
  draws: () => ({}),
  draw: () => ({}),
  degrade: (view) => view,
  clean: (view) => view,
  loss: (inputs, context) => recoveryLoss(inputs, inputs.view, context),
};
