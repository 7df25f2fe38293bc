/** A library cannot be installed; the message says the remedy. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}
