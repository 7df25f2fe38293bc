import type { AutoencoderConfig } from '../models/config.ts';
import { type TargetChoice, targetName, targetNames, targetOf } from '../nn/targets/table.ts';
import type { PretextTask } from './task.ts';

/** Why a task cannot train a model with this decoder and target, with the remedy; undefined where it can. */
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
    return `task ${name} judges whole images and needs a decoder's share of 1, got ${share} (--set model.decoder.share=1)`;
  if (guide && kind !== 'cross')
    return `task ${name} shows the decoder a second image and needs a cross decoder, got ${kind} (--set model.decoder.kind=cross)`;
  return undefined;
}

/** A model with the target and the kind of decoder that a task takes where none are given. */
export function modelFor<M extends Pick<AutoencoderConfig, 'target' | 'decoder'>>(
  task: PretextTask,
  model: M,
): M {
  const { target = model.target, decoder: kind = model.decoder.kind } = task.defaults ?? {};
  return { ...model, target, decoder: { ...model.decoder, ...(kind && { kind }) } };
}

/** The share of tokens that a task removes unless settings say otherwise. */
export const maskRatioOf = ({ defaults }: PretextTask): number => defaults?.maskRatio ?? 0.75;
