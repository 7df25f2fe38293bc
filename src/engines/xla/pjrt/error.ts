/** A plugin cannot be used, or XLA reports an error in its words. */
export class XlaError extends Error {
  override readonly name = 'XlaError';
  /** XLA's error code (absl's status codes), if the error is XLA's. */
  readonly code: number | undefined;

  constructor(message: string, code?: number, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
