import { suggestion } from '../../text/nearest.ts';
import type { MaskGenerator } from '../task.ts';
import { block } from './block.ts';
import { greenNoise } from './green-noise.ts';
import { grid } from './grid.ts';
import { random } from './random.ts';

/** The mask generators; the setting `task.mask` names one. */
export const maskGenerators: readonly MaskGenerator[] = [random, block, grid, greenNoise];

export const maskNames: readonly string[] = maskGenerators.map(({ name }) => name);

/** The user-defined or built-in mask generator with this name. Throws RangeError for an unknown name. */
export function maskGenerator(name: string, own: readonly MaskGenerator[] = []): MaskGenerator {
  const found = [...own, ...maskGenerators].find((candidate) => candidate.name === name);
  if (!found)
    throw new RangeError(
      `a mask must be one of ${maskNames.join(', ')}, got "${name}"${suggestion(name, maskNames)}`,
    );
  return found;
}
