import type { Dataset } from './dataset.ts';

/** How the opening of images is watched and stopped, and what else can be opened. */
export interface OpenOptions {
  /** Folder for fetched data and for digests of other images, by default `cacheFolder()`. */
  readonly cache?: string;
  /** Called when something was done, and about once a second during a download (npm does not say how far it is). */
  readonly onProgress?: (progress: OpenProgress) => void;
  /** Called with notes for the user about the images, such as other files in their folder. */
  readonly onNote?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal;
  /** Where a source that is fetched is taken from, in place of its usual address. */
  readonly from?: string | undefined;
  /** Further kinds of sources; one with the scheme of a kind of this library takes its place. */
  readonly sources?: readonly SourceScheme[];
}

/**
 * How far the opening of images has come: bytes while they are downloaded and unpacked, images while they are decoded. In the phase
 * `search`: images found in a folder so far, of a number that is not known (0). In the phase `digest`: how many bytes of any images were
 * read to know their content.
 */
export interface OpenProgress {
  readonly phase: 'download' | 'unpack' | 'decode' | 'search' | 'digest';
  /** The images that are fetched: `CIFAR-10`. */
  readonly name?: string;
  readonly done: number;
  readonly total: number;
}

/** The phase in words. */
function phaseText({ phase, name = 'images' }: OpenProgress): string {
  if (phase === 'search') return 'looking for images';
  return phase === 'digest' ? 'reading images to identify them' : `${name}: ${phase}`;
}

/** Options of a caller that reports progress in words. */
export interface WordedOptions extends Pick<OpenOptions, 'onNote'> {
  readonly onProgress?: ((what: string, done: number, total: number) => void) | undefined;
  readonly cache?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly sources?: OpenOptions['sources'] | undefined;
}

/** The progress of opening images, in words. */
export const inWords =
  (report: NonNullable<WordedOptions['onProgress']>): NonNullable<OpenOptions['onProgress']> =>
  (progress) =>
    report(phaseText(progress), progress.done, progress.total);

/** Options of opening images from those of a caller. */
export function openOptions({
  onProgress = () => {},
  onNote,
  cache,
  signal,
  sources,
}: WordedOptions): OpenOptions {
  return {
    onProgress: inWords(onProgress),
    onNote,
    ...(cache !== undefined && { cache }),
    ...(signal && { signal }),
    ...(sources && { sources }),
  };
}

/** A kind of sources of images, an entry of the table: `cifar10`, `cifar10:test`, `classes:FOLDER`. */
export interface SourceScheme {
  /** The name of the source, or what stands before the colon of its names. */
  readonly scheme: string;
  /** Text behind the colon: `FOLDER`. Absent for a source without a colon. */
  readonly argument?: string;
  /** Other texts behind the colon, if `argument` is absent, with a line about each. */
  readonly splits?: Readonly<Record<string, string>>;
  /** Description of the images, in a line. */
  readonly help: string;
  /** A source of this kind. */
  readonly example: string;
  /** True if its images have classes, or can have them. */
  readonly labelled: boolean;
  /** Side of all images, and of patches that suit it, where the images are small. */
  readonly small?: { readonly side: number; readonly patch: number };
  /**
   * Opens the images. @param rest what stands behind the colon, a leading `~` resolved; empty without a colon.
   * Rejects with a DataError that says what is wrong and what to do.
   */
  open(rest: string, options: OpenOptions): Promise<Dataset>;
  /** Text behind the colon for programs that run in another folder. Default: the absolute path of an argument. */
  absolute?(rest: string): string;
  /** The source of the test set that belongs to this one; undefined where there is none. */
  testSet?(rest: string): string | undefined;
  /** Fetches the images into the cache unless they are there. Resolves to a sentence that says where they are, and under which licence. */
  fetch?(options: OpenOptions): Promise<string>;
  /**
   * Examines what the source has beside images that can be read: fetched ones against what was published, masks and their values.
   * @param rest what stands behind the colon, a leading `~` resolved
   * Rejects with a DataError where they cannot be examined.
   */
  verify?(rest: string, options: OpenOptions): Promise<Verified>;
}

/** Result of an examination. */
export interface Verified {
  /** Sentences, each on a line. */
  readonly lines: readonly string[];
  /** A table behind the first line; its first row is the heading. */
  readonly rows?: readonly (readonly string[])[];
  /** True if all is as it must be. */
  readonly sound: boolean;
}
