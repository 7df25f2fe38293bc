import { input } from '../graph/operations/source.ts';
import { type Program, program } from '../graph/program.ts';
import type { Shape } from '../graph/tensor.ts';
import type { ParameterGroup, UpdateRule } from '../graph/update.ts';

/**
 * The update of one weight as a program. Inputs: `weight`, `gradient`, the rule's slots, the scalars of
 * `rule.scalars()` and `scale`. Outputs: `weight` and the slots.
 */
export function updateProgram(rule: UpdateRule, shape: Shape, group: ParameterGroup): Program {
  const names = [...Object.keys(rule.scalars(0, 0)), 'scale'];
  const { weight, slots } = rule.build(
    input('weight', shape),
    input('gradient', shape),
    rule.slots.map((slot) => input(slot, shape)),
    Object.fromEntries(names.map((name) => [name, input(name, [])])),
    group,
  );
  return program(`${rule.name} update`, {
    weight,
    ...Object.fromEntries(rule.slots.map((slot, i) => [slot, slots[i]!])),
  });
}
