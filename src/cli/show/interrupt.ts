import { ENDING_SIGNALS, endBySignal } from '../../engines/host/signals.ts';
import { onReaderGone } from './streams.ts';

/** Milliseconds in which signals count as one: npm hands a Ctrl-C on that its child has got already. */
const TOGETHER = 300;

/**
 * A signal that is aborted by the first Ctrl-C, by the signals that terminals and schedulers send, and when nobody reads the output any
 * more. A second Ctrl-C, or a second SIGTERM, ends the process at once; schedulers repeat the others.
 * @param onFirst called at the first
 */
export function interruptible(onFirst: () => void): { signal: AbortSignal; done: () => void } {
  const controller = new AbortController();
  let first: { readonly name: string; readonly time: number } | undefined;
  const stop = () => {
    for (const name of ENDING_SIGNALS) process.off(name, interrupt);
    onReaderGone(undefined);
  };
  const begin = (name: string) => {
    if (first) return;
    first = { name, time: performance.now() };
    controller.abort(new Error('interrupted'));
    onFirst();
  };
  const interrupt = (name: NodeJS.Signals) => {
    if (!first) return begin(name);
    const atOnce =
      name === 'SIGINT' || name === 'SIGBREAK' || (name === 'SIGTERM' && first.name === 'SIGTERM');
    if (!atOnce || performance.now() - first.time <= TOGETHER) return;
    stop();
    endBySignal(name); // not `process.exit`, in which a working engine crashes
  };
  for (const name of ENDING_SIGNALS) process.on(name, interrupt);
  onReaderGone(() => begin('no reader'));
  return { signal: controller.signal, done: stop };
}
