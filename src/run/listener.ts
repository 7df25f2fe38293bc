/** Hands events to a listener, and ends a run whose listener rejects. */
export class Listener<Event> {
  /** Aborted when the caller's signal is, or when a promise of the listener was rejected. */
  readonly signal: AbortSignal;
  readonly #onEvent: (event: Event) => unknown;
  readonly #failure = new AbortController();
  readonly #pending = new Set<Promise<unknown>>();

  constructor(onEvent: (event: Event) => unknown = () => {}, signal?: AbortSignal) {
    this.#onEvent = onEvent;
    this.signal = signal ? AbortSignal.any([signal, this.#failure.signal]) : this.#failure.signal;
  }

  /** Hands an event over, without waiting for a promise of the listener. Throws what the listener throws at once. */
  readonly emit = (event: Event): void => {
    const handled = this.#onEvent(event);
    if (!isPromise(handled)) return;
    const settled: Promise<unknown> = Promise.resolve(handled)
      .catch((error) => this.#failure.abort(error))
      .finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
  };

  /** Waits for all promises of the listener. Rejects with the first error that one was rejected with. */
  async done(): Promise<void> {
    await Promise.all(this.#pending);
    this.#failure.signal.throwIfAborted();
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
}
