import { terminalText } from '../../text/one-line.ts';

/** Most and fewest letters of the bar itself; where there is no room for so few there is none. */
const [LONGEST, SHORTEST] = [20, 4];
/** Separator between the parts of a text. */
const BETWEEN = '  ';

/**
 * A line of no more than `width` letters. The bar gives way first, then the parts of the text, which stand two spaces apart, but for the
 * first and the last: what is done, and the time left.
 */
function fitted(done: number, text: string, width: number): string {
  const parts = text.split(BETWEEN);
  while (parts.length > 2 && parts.join(BETWEEN).length > width) parts.splice(-2, 1);
  const over = parts.join(BETWEEN).length - width;
  if (over > 0 && parts.length > 1)
    parts[0] = `${parts[0]!.slice(0, Math.max(0, parts[0]!.length - over - 1))}…`;
  const kept = parts.join(BETWEEN);
  const room = Math.min(LONGEST, width - kept.length - 1);
  if (room < SHORTEST) return kept.slice(0, width);
  const filled = Math.round(room * Math.min(1, Math.max(0, done)));
  return `${'█'.repeat(filled)}${'░'.repeat(room - filled)} ${kept}`;
}

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
      this.#stream.write(`${terminalText(text)}\n`);
      return;
    }
    this.#shown = fitted(done, text, Math.max(20, (this.#stream.columns || 80) - 1));
    this.#stream.write(`\r\x1b[2K${this.#shown}`);
  }

  /** Writes a line above the bar; names in it may hold anything. */
  line(text: string, stream: NodeJS.WritableStream = process.stdout): void {
    this.#erase();
    stream.write(`${terminalText(text)}\n`);
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
