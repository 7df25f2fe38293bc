import { plural } from '../../text/plural.ts';
/** Entries of a folder of images that are not images, or are counted already. */
export class LeftOut {
  readonly #endings = new Map<string, number>();
  readonly #special = new Map<string, string[]>();
  readonly #unreadable: string[] = [];
  #repeats = 0;
  #files = 0;

  /** A regular file that is no image, by its path. */
  file(path: string): void {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const dot = name.lastIndexOf('.');
    const ending = dot > 0 ? name.slice(dot).toLowerCase() : '';
    this.#endings.set(ending, (this.#endings.get(ending) ?? 0) + 1);
    this.#files++;
  }

  /** An entry that is neither a file nor a folder. @param kind as `specialKind` gives it */
  special(kind: string, path: string): void {
    this.#special.set(kind, [...(this.#special.get(kind) ?? []), path]);
  }

  /** An entry that the system does not let us read. */
  unreadable(path: string, error: unknown): void {
    this.#unreadable.push(`${path} (${(error as NodeJS.ErrnoException).code ?? error})`);
  }

  /** A link to a file or folder that is counted already, or another name of such a file. */
  repeat(): void {
    this.#repeats++;
  }

  /** All of it in one line; empty where there is nothing. */
  toString(): string {
    const parts: string[] = [];
    if (this.#files > 0) {
      const byCount = [...this.#endings].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
      const shown = byCount.slice(0, MOST_ENDINGS);
      const named = shown.map(([ending, n]) => `${n} ${ending === '' ? 'without an ending' : ending}`);
      const rest = this.#files - shown.reduce((sum, [, n]) => sum + n, 0);
      if (rest > 0) named.push(plural(rest, 'other'));
      parts.push(`${named.join(', ')} (no ${FORMATS} by their first bytes)`);
    }
    for (const [kind, paths] of this.#special) parts.push(`${several(paths.length, kind)}: ${some(paths)}`);
    if (this.#unreadable.length > 0)
      parts.push(`${this.#unreadable.length} that cannot be read: ${some(this.#unreadable)}`);
    if (this.#repeats > 0) parts.push(`${several(this.#repeats, 'link')} or second names of counted files`);
    return parts.join('; ');
  }
}

/** The formats that are read, in words. */
export const FORMATS = 'JPEG, PNG, WebP, GIF, TIFF or AVIF';

const MOST_ENDINGS = 8;
const MOST_NAMES = 3;

function several(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

function some(names: readonly string[]): string {
  return names.length > MOST_NAMES ? `${names.slice(0, MOST_NAMES).join(', ')}, …` : names.join(', ');
}
