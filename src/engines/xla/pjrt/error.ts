/** A plugin cannot be used, or XLA refused something; the message is XLA's own. */
export class XlaError extends Error {
  override readonly name = 'XlaError';
  /** XLA's number of the kind of error, where it was XLA that refused (absl's status codes). */
  readonly code: number | undefined;

  constructor(message: string, code?: number, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
