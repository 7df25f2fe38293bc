import type { CollectiveModule } from '../engines/collective.ts';
import type { Session } from '../engines/engine.ts';
import { rng } from '../random/rng.ts';
import { RunError } from '../run/error.ts';
import type { RanksWatch } from '../run/lost-ranks.ts';

/** The place of a training among processes that share its batches. Rank 0 writes, measures and draws. */
export interface Ranks {
  /** Number of this process, from 0. */
  readonly rank: number;
  /** Number of processes. */
  readonly size: number;
  readonly collective: CollectiveModule;
  /** Begins to watch the processes of the other ranks. Default: the launcher alone notices that one has ended. */
  watch?(sum: NonNullable<Session['sum']>): Promise<RanksWatch>;
}

/** The parts of a run that all ranks must have in common, and the remedy where they do not. */
const remedies = {
  settings: 'start all ranks by the same command',
  start: "the run's folder must lie on a disk that all hosts share",
  images: 'data.source must name the same images on every host',
} as const;

/**
 * Throws RunError on every rank unless all ranks have the same texts as rank 0.
 * @param own a text for each part
 */
export async function requireAgreement(
  session: Session,
  { rank, size }: Pick<Ranks, 'rank' | 'size'>,
  own: Readonly<Record<keyof typeof remedies, string>>,
): Promise<void> {
  const parts = Object.keys(remedies) as (keyof typeof remedies)[];
  const numbers = new Array<number>(parts.length * size).fill(0);
  // 53 bits that depend on the whole text; a sum with zeros keeps them.
  parts.forEach((part, i) => {
    numbers[i * size + rank] = rng(0, own[part]).uniform();
  });
  const all = await session.sum!(numbers);
  for (const [i, part] of parts.entries()) {
    const [first, ...others] = all.slice(i * size, (i + 1) * size);
    const unlike = others.flatMap((each, k) => (each === first ? [] : [k + 1]));
    if (unlike.length > 0)
      throw new RunError(
        `all ranks must have the ${part} of rank 0, got other ones on ${unlike.length > 1 ? 'ranks' : 'rank'} ${unlike.join(', ')} of ${size}: ${remedies[part]}`,
      );
  }
}
