/** A library cannot be installed. The message includes the remedy. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}
