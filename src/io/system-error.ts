/** The system's errors in plain words, with remedies. */
const RULES: Readonly<Record<string, readonly [reason: string, remedy?: string]>> = {
  ENOENT: ['the file or folder does not exist'],
  EACCES: ['permission denied', 'change the permissions, or choose another folder'],
  EPERM: ['permission denied', 'change the permissions, or choose another folder'],
  EEXIST: ['something else is there already'],
  EISDIR: ['a file is needed, this is a folder'],
  ENOTDIR: ['a folder is needed, this is a file'],
  ENOSPC: ['the disk is full', 'free some space, or choose a folder on another disk'],
  EDQUOT: ['the disk quota is used up', 'delete some files, or choose a folder on another disk'],
  EFBIG: [
    'the file is larger than the system allows',
    'raise the limit (`ulimit -f`), or choose another disk',
  ],
  EROFS: ['the disk is read-only', 'choose a folder on another disk'],
  EIO: ['the disk cannot be read or written', 'check the disk and its connection, or choose another one'],
  EBUSY: ['another program has the file open', 'close it there'],
  ENAMETOOLONG: ['the name is too long'],
  EMFILE: ['too many files are open', 'raise the limit (`ulimit -n`)'],
};

/** The reason of a system's error in plain words; undefined for other and for rare errors. */
export function systemReason(error: NodeJS.ErrnoException): string | undefined {
  return RULES[error.code ?? '']?.[0];
}

/** An error's message; for a system's error in plain words, with the path and the remedy. */
export function plainMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code = '', path } = error as NodeJS.ErrnoException;
  const [reason, remedy] = RULES[code] ?? [];
  if (reason === undefined) return error.message;
  return `${reason}${path ? `: ${path}` : ''}${remedy ? `: ${remedy}` : ''}`;
}

/** Adds a path to a system's error without one, such as an error of writing to an open file. */
export function aboutPath<T>(path: string, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw named(path, error);
  });
}

/** The same for synchronous work. */
export function aboutPathSync<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw named(path, error);
  }
}

function named(path: string, error: unknown): unknown {
  const { code, path: known } = error as NodeJS.ErrnoException;
  if (code !== undefined && known === undefined) Object.assign(error as Error, { path });
  return error;
}
