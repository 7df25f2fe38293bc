import { withMemoryAdvice } from './failure.ts';

/** Requests that an engine serves, by method name: argument and result. */
type RequestTable<R> = { [K in keyof R]: { take: unknown; give: unknown } };

/** A request to an engine. The reply has the same `id`. */
export interface Message<R extends RequestTable<R>> {
  readonly id: number;
  readonly request: { [K in keyof R]: { readonly kind: K; readonly take: R[K]['take'] } }[keyof R];
}

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  /** Message of the error, if the request failed. */
  readonly error?: string;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Client of an engine on another thread or in another process. The engine answers requests in order. */
export abstract class EngineClient<R extends RequestTable<R>> {
  readonly #pending = new Map<number, Pending>();
  #next = 0;
  #failure: Error | undefined;

  request<K extends keyof R>(kind: K, take: R[K]['take']): Promise<R[K]['give']> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      const id = this.#next++;
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.keepAlive(true);
      this.send({ id, request: { kind, take } });
    });
  }

  /** Ends the engine. Pending and later requests fail. */
  abstract stop(): Promise<void>;

  protected abstract send(message: Message<R>): void;

  /** Keeps this process alive while a request is pending. */
  protected abstract keepAlive(yes: boolean): void;

  protected answered({ id, value, error }: Answer): void {
    const asked = this.#pending.get(id);
    if (!asked) return; // answered after `stop`
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.keepAlive(false);
    if (error === undefined) asked.resolve(value);
    else asked.reject(new Error(withMemoryAdvice(error)));
  }

  /** Marks the engine as ended. */
  protected fail(error: Error): void {
    this.#failure ??= error;
    this.keepAlive(false);
    for (const { reject } of this.#pending.values()) reject(this.#failure);
    this.#pending.clear();
  }
}

/** Server side: calls the engine's method and returns its result or error. */
export async function answer<R extends RequestTable<R>>(
  engine: { [K in keyof R]: (take: R[K]['take']) => unknown },
  { id, request }: Message<R>,
): Promise<Answer> {
  try {
    return { id, value: await engine[request.kind](request.take) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}
