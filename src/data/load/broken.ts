import { plural } from '../../text/plural.ts';
import { DataError, isPassing } from '../error.ts';

/**
 * The images that could not be read. Each is reported once; share one list between the loaders of a data set and its
 * parts, so that an image whose bytes are broken is not tried again. One that the system did not give is.
 */
export class BrokenImages {
  readonly #reasons: Map<string, string>;
  readonly #passing = new Set<string>();
  readonly #report: (id: string, reason: string) => void;

  /**
   * @param report called once for each image, by default it writes a line to the standard error
   * @param known images with broken bytes that were reported before, with the reasons
   */
  constructor(
    report = (id: string, reason: string) => console.warn(`skipping broken image ${id}: ${reason}`),
    known: Iterable<readonly [id: string, reason: string]> = [],
  ) {
    this.#report = report;
    this.#reasons = new Map(known);
  }

  /** Names of all images that could not be read with the reason, in the order they were met. */
  get reasons(): ReadonlyMap<string, string> {
    return this.#reasons;
  }

  /** True if an image's bytes are broken: reading it again would fail again. */
  has(id: string): boolean {
    return this.#reasons.has(id) && !this.#passing.has(id);
  }

  /** @param passing whether the system failed, see `isPassing` */
  add(id: string, error: unknown, passing = isPassing(error)): void {
    if (this.has(id)) return;
    const known = this.#reasons.has(id);
    const reason = reasonOf(error);
    this.#reasons.set(id, reason);
    if (passing) this.#passing.add(id);
    else this.#passing.delete(id);
    if (!known) this.#report(id, reason);
  }
}

/** The error where a data set has no readable image. The reasons were reported one by one. */
export function nothingReadable(name: string, broken: BrokenImages): DataError {
  const [first] = broken.reasons.keys();
  return new DataError(
    `no image of '${name}' can be read: ${plural(broken.reasons.size, 'broken image')}, the first is ${first}`,
  );
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replaceAll(/\s*\n\s*/g, '; ');
}
