import { readFileSync, rmSync } from 'node:fs';
import { endBySignal } from '../engines/host/signals.ts';

/** Lock files of this process, with their contents. */
const held = new Map<string, string>();

/** Signals that end a process which does not listen to them. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK'] as const;

/** True if this process has that lock, or is about to take it. */
export function holdsLock(path: string): boolean {
  return held.has(path);
}

/** Sees to it that a lock is given back when this process exits, or a signal ends it. */
export function holdLock(path: string, content: string): void {
  if (held.size === 0) watch();
  held.set(path, content);
}

/** Gives a lock back: removes its file, if that still is this process's. */
export function dropLock(path: string): void {
  remove(path);
  forgetLock(path);
}

/** The same without the file, which another process has. */
export function forgetLock(path: string): void {
  held.delete(path);
  if (held.size === 0) unwatch();
}

function remove(path: string): void {
  try {
    if (readFileSync(path, 'utf8') === held.get(path)) rmSync(path, { force: true });
  } catch {
    // It is gone, or its disk is: the next process sees that this one has ended.
  }
}

function removeAll(): void {
  for (const path of held.keys()) remove(path);
}

function watch(): void {
  process.on('exit', removeAll);
  for (const signal of SIGNALS) process.prependListener(signal, onSignal);
}

function unwatch(): void {
  process.off('exit', removeAll);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

/** Nobody else may see that this listens: whether a signal ends the process is the application's choice. */
function onSignal(signal: NodeJS.Signals): void {
  unwatch();
  if (process.listenerCount(signal) > 0) {
    setImmediate(() => {
      if (held.size > 0) watch();
    });
    return;
  }
  removeAll();
  endBySignal(signal);
}
