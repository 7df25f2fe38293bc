import { slotName } from '../engines/engine.ts';
import type { ParameterSpec, Weights } from '../nn/parameters.ts';
import { weightInputs } from './pretrain.ts';

/** Weights of predictions. @param averaged true: their moving averages, in the optimizer's slot `ema` */
export function predictingWeights(specs: readonly ParameterSpec[], averaged: boolean): Weights {
  const named = (spec: ParameterSpec) =>
    averaged && spec.trainable ? { ...spec, name: slotName('ema', spec.name) } : spec;
  const inputs = weightInputs(specs.map(named));
  const names = new Map(specs.map((spec) => [spec.name, named(spec).name]));
  return (name) => inputs(names.get(name)!);
}
