/** A run cannot start or continue. The message gives the reason and the remedy. */
export class RunError extends Error {
  override readonly name = 'RunError';
}
