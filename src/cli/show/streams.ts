import { systemReason } from '../../io/system-error.ts';

/** Why the standard output could not be written. */
let lost: string | undefined;
let readerGone: (() => void) | undefined;

/**
 * Sees to it that output which cannot be written ends no command, with its work half done, by an error that nobody catches.
 * Errors of the standard error are passed over.
 */
export function watchStreams(): void {
  guard(process.stderr, () => {});
  guard(process.stdout, (error) => {
    if (error.code !== 'EPIPE') lost ??= systemReason(error) ?? error.message;
    else if (readerGone) readerGone();
    else process.exit(); // as `head` ends a short command
  });
}

/** Called when the reader of the standard output goes away, as `head` does. By default the command ends quietly. */
export function onReaderGone(stop: (() => void) | undefined): void {
  readerGone = stop;
}

/** Says that the standard output was extra: what the command has made is in files. */
export function outputIsExtra(): void {
  lost = undefined;
}

/** Why some of the output of this command is lost; undefined when it is not. */
export function lostOutput(): string | undefined {
  return lost;
}

/** Errors come as events from pipes, and are thrown by calls for files. */
function guard(stream: NodeJS.WriteStream, failed: (error: NodeJS.ErrnoException) => void): void {
  stream.on('error', failed);
  const write = stream.write.bind(stream) as (...given: unknown[]) => boolean;
  stream.write = (...given: unknown[]) => {
    try {
      return write(...given);
    } catch (error) {
      failed(error as NodeJS.ErrnoException);
      return true;
    }
  };
}
