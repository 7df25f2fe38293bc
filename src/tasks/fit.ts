import type { AutoencoderConfig } from '../models/config.ts';
import { type TargetChoice, targetName, targetNames, targetOf } from '../nn/targets/table.ts';
import type { PretextTask } from './task.ts';

/** Explains why a task cannot train a model with this decoder and target, with the remedy; undefined if it can. */
export function taskFault(
  { name, judges, guide }: PretextTask,
  { target, decoder }: Pick<AutoencoderConfig, 'target' | 'decoder'>,
): string | undefined {
  const { kind = 'transformer', share = 1 } = decoder;
  const fits = {
    patches: () => true,
    image: (candidate: TargetChoice) => targetOf(candidate).toPixels !== undefined,
    spectrum: (candidate: TargetChoice) => candidate === 'none',
  }[judges];
  if (!fits(target)) {
    const [first, ...others] = targetNames.filter(fits);
    return `task ${name} needs the target ${[first, ...others].join(', ')}, got ${targetName(target)} (--set model.target=${first})`;
  }
  if (judges !== 'patches' && share !== 1)
    return `task ${name} computes the loss on whole images and needs a decoder share of 1, got ${share} (--set model.decoder.share=1)`;
  if (guide && kind !== 'cross')
    return `task ${name} shows the decoder a second image and needs a cross decoder, got ${kind} (--set model.decoder.kind=cross)`;
  return undefined;
}

/** A model with a task's default target and decoder kind. */
export function modelFor<M extends Pick<AutoencoderConfig, 'target' | 'decoder'>>(
  task: PretextTask,
  model: M,
): M {
  const { target = model.target, decoder: kind = model.decoder.kind } = task.defaults ?? {};
  return { ...model, target, decoder: { ...model.decoder, ...(kind && { kind }) } };
}

/** A task's default share of removed tokens. */
export const maskRatioOf = ({ defaults }: PretextTask): number => defaults?.maskRatio ?? 0.75;
