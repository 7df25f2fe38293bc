import { suggestion } from '../../text/nearest.ts';
import type { MaskGenerator } from '../task.ts';
import { block } from './block.ts';
import { greenNoise } from './green-noise.ts';
import { grid } from './grid.ts';
import { random } from './random.ts';

/** Ways to choose the tokens that are removed, by the names of the setting `task.mask`. */
export const maskGenerators: readonly MaskGenerator[] = [random, block, grid, greenNoise];

export const maskNames: readonly string[] = maskGenerators.map(({ name }) => name);

/** The mask generator of that name, of the user's own or of the table. Throws RangeError for an unknown one. */
export function maskGenerator(name: string, own: readonly MaskGenerator[] = []): MaskGenerator {
  const found = [...own, ...maskGenerators].find((candidate) => candidate.name === name);
  if (!found)
    throw new RangeError(
      `a mask must be one of ${maskNames.join(', ')}, got "${name}"${suggestion(name, maskNames)}`,
    );
  return found;
}
