import { afterEach, expect, it, vi } from 'vitest';
import { interruptible } from './interrupt.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Signals at given milliseconds: what they call and whether they end the process. */
function signalled(...times: readonly number[]) {
  const kill = vi.spyOn(process, 'kill').mockImplementation((_, signal) => {
    expect(process.listenerCount('SIGINT')).toBe(before); // so that it ends the process
    expect(signal).toBe('SIGINT');
    return true;
  });
  const clock = vi.spyOn(performance, 'now');
  const onFirst = vi.fn();
  const before = process.listenerCount('SIGINT');
  const { signal, done } = interruptible(onFirst);
  for (const time of times) {
    clock.mockReturnValue(time);
    for (const listener of process.listeners('SIGINT').slice(before)) listener('SIGINT');
  }
  done();
  expect(process.listenerCount('SIGINT')).toBe(before);
  return { aborted: signal.aborted, firsts: onFirst.mock.calls.length, kills: kill.mock.calls.length };
}

it('the first Ctrl-C aborts, the second one ends the process', () => {
  expect(signalled()).toEqual({ aborted: false, firsts: 0, kills: 0 });
  expect(signalled(1000)).toEqual({ aborted: true, firsts: 1, kills: 0 });
  expect(signalled(1000, 2000)).toEqual({ aborted: true, firsts: 1, kills: 1 });
});

it('one that npm hands on counts as the same', () => {
  expect(signalled(1000, 1010, 1020)).toEqual({ aborted: true, firsts: 1, kills: 0 });
  expect(signalled(1000, 1010, 1400)).toEqual({ aborted: true, firsts: 1, kills: 1 });
});

it('Ctrl-Break on Windows does the same, and a signal that no process can send there ends it all the same', () => {
  const before = process.listenerCount('SIGBREAK');
  const kill = vi.spyOn(process, 'kill').mockImplementation(() => {
    throw Object.assign(new Error('kill ENOSYS'), { code: 'ENOSYS' }); // as Windows answers
  });
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
  const clock = vi.spyOn(performance, 'now').mockReturnValue(1000);
  const { signal } = interruptible(() => {});
  process.emit('SIGBREAK', 'SIGBREAK');
  expect([signal.aborted, kill.mock.calls.length]).toEqual([true, 0]);
  clock.mockReturnValue(2000);
  process.emit('SIGBREAK', 'SIGBREAK');
  expect(kill.mock.calls).toEqual([[process.pid, 'SIGBREAK']]);
  expect(exit.mock.calls).toEqual([[1]]);
  expect(process.listenerCount('SIGBREAK')).toBe(before);
});
