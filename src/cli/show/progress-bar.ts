/**
 * The last line of a terminal, written again and again; elsewhere the same text as plain lines, one about every
 * ten seconds. Other lines go above it.
 */
export class ProgressBar {
  readonly #stream: NodeJS.WriteStream;
  #shown = '';
  #written = Number.NEGATIVE_INFINITY;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  /** Shows how far something has come. @param done share, 0 … 1 @param always writes the line now, terminal or not */
  update(done: number, text: string, always = false): void {
    const now = performance.now();
    const pause = this.#stream.isTTY ? 100 : 10_000;
    if (!always && now - this.#written < pause) return;
    this.#written = now;
    if (!this.#stream.isTTY) {
      this.#stream.write(`${text}\n`);
      return;
    }
    const filled = Math.round(20 * Math.min(1, Math.max(0, done)));
    const bar = `${'█'.repeat(filled)}${'░'.repeat(20 - filled)} ${text}`;
    this.#shown = bar.slice(0, Math.max(20, (this.#stream.columns || 80) - 1));
    this.#stream.write(`\r\x1b[2K${this.#shown}`);
  }

  /** Writes a line above the bar. */
  line(text: string, stream: NodeJS.WritableStream = process.stdout): void {
    this.#erase();
    stream.write(`${text}\n`);
    if (this.#shown !== '') this.#stream.write(this.#shown);
  }

  /** Takes the bar away. */
  clear(): void {
    this.#erase();
    this.#shown = '';
    this.#written = Number.NEGATIVE_INFINITY;
  }

  #erase(): void {
    if (this.#shown !== '') this.#stream.write('\r\x1b[2K');
  }
}
