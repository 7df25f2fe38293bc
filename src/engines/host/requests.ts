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

/** A question of the engine in the middle of a request. */
export interface Question {
  readonly id: number;
  readonly question: unknown;
}

/** The caller's reply to a question, or the message of its error. */
export interface Reply {
  readonly id: number;
  readonly reply?: unknown;
  readonly error?: string;
}

/** Replies to the questions of one request. */
export type Ask = (question: never) => Promise<unknown>;

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  readonly ask: ((question: unknown) => Promise<unknown>) | undefined;
  /** Set once `ask` has rejected: the request then rejects with the same error. */
  refusal?: { readonly error: unknown };
}

/** Client of an engine on another thread or in another process. The engine answers requests in order. */
export abstract class EngineClient<R extends RequestTable<R>> {
  readonly #pending = new Map<number, Pending>();
  #next = 0;
  #failure: Error | undefined;

  /** @param ask replies to the engine's questions in the middle of the request */
  request<K extends keyof R>(kind: K, take: R[K]['take'], ask?: Ask): Promise<R[K]['give']> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      const id = this.#next++;
      this.#pending.set(id, {
        resolve: resolve as (value: unknown) => void,
        reject,
        ask: ask as Pending['ask'],
      });
      this.keepAlive(true);
      this.send({ id, request: { kind, take } });
    });
  }

  /** Ends the engine. Pending and later requests fail. */
  abstract stop(): Promise<void>;

  protected abstract send(message: Message<R>): void;

  /** Sends a reply. An engine without questions needs none. */
  protected reply?(reply: Reply): void;

  /** Keeps this process alive while a request is pending. */
  protected abstract keepAlive(yes: boolean): void;

  protected answered({ id, value, error }: Answer): void {
    const asked = this.#pending.get(id);
    if (!asked) return; // answered after `stop`
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.keepAlive(false);
    if (error === undefined) asked.resolve(value);
    else asked.reject(asked.refusal ? asked.refusal.error : new Error(withMemoryAdvice(error)));
  }

  protected async wasAsked({ id, question }: Question): Promise<void> {
    const asked = this.#pending.get(id);
    if (!asked?.ask) return; // asked after `stop`
    try {
      this.reply!({ id, reply: await asked.ask(question) });
    } catch (error) {
      asked.refusal = { error };
      this.reply!({ id, error: String(error) });
    }
  }

  /** Marks the engine as ended. */
  protected fail(error: Error): void {
    this.#failure ??= error;
    this.keepAlive(false);
    for (const { reject } of this.#pending.values()) reject(this.#failure);
    this.#pending.clear();
  }
}

/**
 * Server side: calls the engine's method and returns its result or error.
 * @param ask puts a question to the caller of this request
 */
export async function answer<R extends RequestTable<R>, A = never>(
  engine: { [K in keyof R]: (take: R[K]['take'], ask: A) => unknown },
  { id, request }: Message<R>,
  ask?: A,
): Promise<Answer> {
  try {
    return { id, value: await engine[request.kind](request.take, ask as A) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}
