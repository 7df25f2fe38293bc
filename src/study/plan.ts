import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '../config/error.ts';
import type { Config } from '../config/schema.ts';
import { type Cell, type ImageCounts, type Piece, type PlannedCell, planGroup } from './pieces.ts';
import type { Selection, Study } from './schema.ts';

export interface StudyPlan {
  /** In the order in which they are run; all judges of a pre-trained model follow it. */
  readonly pieces: readonly Piece[];
  readonly cells: readonly Cell[];
}

/**
 * The pieces of a study. Pieces that groups and budgets have in common are one. Throws ConfigError where a batch is larger
 * than the images, or two arms of one name are to be trained in different ways.
 */
export function planStudy(study: Study, imagesOf: (config: Config) => ImageCounts): StudyPlan {
  const planned = study.groups.flatMap((group) => planGroup(group, imagesOf));
  const { primary } = study;
  const judges = planned.filter(({ cell }) => cell.group === primary?.group).map(({ cell }) => cell.judge);
  if (primary && !judges.includes(primary.judge))
    throw new ConfigError(
      `primary must name a judge of its group, got "${primary.judge}" (${[...new Set(judges)].join(', ')})`,
    );
  const pieces = new Map<string, Piece>();
  const add = (piece: Piece) => {
    const known = pieces.get(piece.id) ?? piece;
    if (!isDeepStrictEqual(known, piece))
      throw new ConfigError(
        `arms with different settings must have different names, got two kinds of ${piece.id}`,
      );
    pieces.set(piece.id, piece);
  };
  for (const { model, judge } of ordered(planned, study.order)) {
    add(model);
    // A model without training costs nothing: its judges wait for their turn.
    const together = model.kind === 'initial' ? [judge] : judgesOf(model, planned);
    for (const piece of together) add(piece);
  }
  return { pieces: [...pieces.values()], cells: planned.map(({ cell }) => cell) };
}

function judgesOf({ id }: Piece, planned: readonly PlannedCell[]): Piece[] {
  return planned.filter(({ model }) => model.id === id).map(({ judge }) => judge);
}

/** The cells by the first selection that each is in, then the rest. */
function ordered(planned: readonly PlannedCell[], order: readonly Selection[]): PlannedCell[] {
  const place = ({ cell }: PlannedCell) => {
    const first = order.findIndex(({ group, seeds, arms }) => {
      const isIn = (list: readonly unknown[] | undefined, value: unknown) => !list || list.includes(value);
      return group === cell.group && isIn(seeds, cell.seed) && isIn(arms, cell.arm);
    });
    return first < 0 ? order.length : first;
  };
  return planned
    .map((cell) => ({ cell, place: place(cell) }))
    .sort((a, b) => a.place - b.place)
    .map(({ cell }) => cell);
}
