/** A file's content breaks a rule of its format. The message names the file, the rule and the value found. */
export class FileFormatError extends Error {
  override readonly name = 'FileFormatError';
  /** The offending file, as the caller named it. */
  readonly file: string;

  constructor(file: string, rule: string, got: unknown) {
    super(`${file}: ${rule}, got ${brief(got)}`);
    this.file = file;
  }
}

/** The value found, cut to one line: a hostile file must not flood the terminal. */
function brief(value: unknown): string {
  let text: string;
  if (typeof value === 'bigint') text = String(value);
  else if (typeof value === 'number') text = Object.is(value, -0) ? '-0' : String(value);
  else text = JSON.stringify(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}
