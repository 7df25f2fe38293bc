/** The data cannot be used: something is missing, broken or not what its name says. The message says what to do. */
export class DataError extends Error {
  override readonly name = 'DataError';
}
