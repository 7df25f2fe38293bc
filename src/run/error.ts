/** A run cannot start or go on. The message says why and what to do. */
export class RunError extends Error {
  override readonly name = 'RunError';
}
