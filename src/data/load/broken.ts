/**
 * The images that could not be read. Each is reported once; share one list between the loaders of a data set and its
 * parts, so that an image is not tried again.
 */
export class BrokenImages {
  readonly #reasons = new Map<string, string>();
  readonly #report: (id: string, reason: string) => void;

  /** `report` is called once for each image, by default it writes a line to the standard error. */
  constructor(
    report = (id: string, reason: string) => console.warn(`skipping broken image ${id}: ${reason}`),
  ) {
    this.#report = report;
  }

  /** Names of the broken images with the reason, in the order they were met. */
  get reasons(): ReadonlyMap<string, string> {
    return this.#reasons;
  }

  has(id: string): boolean {
    return this.#reasons.has(id);
  }

  add(id: string, error: unknown): void {
    if (this.has(id)) return;
    const reason = (error instanceof Error ? error.message : String(error))
      .trim()
      .replaceAll(/\s*\n\s*/g, '; ');
    this.#reasons.set(id, reason);
    this.#report(id, reason);
  }
}
