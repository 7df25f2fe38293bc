import { withMemoryAdvice } from './failure.ts';

/** What an engine does on request, by the name of its method. */
type RequestTable<R> = { [K in keyof R]: { take: unknown; give: unknown } };

/** Sent to an engine, which answers by the same number. */
export interface Message<R extends RequestTable<R>> {
  readonly id: number;
  readonly request: { [K in keyof R]: { readonly kind: K; readonly take: R[K]['take'] } }[keyof R];
}

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  /** Why there is no value. */
  readonly error?: string;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** The asking end of an engine that has a thread or a process of its own. Requests are answered in order. */
export abstract class EngineClient<R extends RequestTable<R>> {
  private readonly pending = new Map<number, Pending>();
  private next = 0;
  private failure: Error | undefined;

  request<K extends keyof R>(kind: K, take: R[K]['take']): Promise<R[K]['give']> {
    return new Promise((resolve, reject) => {
      if (this.failure) return reject(this.failure);
      const id = this.next++;
      this.pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.keepAlive(true);
      this.send({ id, request: { kind, take } });
    });
  }

  /** Ends the engine. What it has not answered fails, and what is asked of it from now on. */
  abstract stop(): Promise<void>;

  protected abstract send(message: Message<R>): void;

  /** Whether this process must not end by itself: while an answer is due. */
  protected abstract keepAlive(yes: boolean): void;

  protected answered({ id, value, error }: Answer): void {
    const asked = this.pending.get(id);
    if (!asked) return; // it came when the engine had been stopped
    this.pending.delete(id);
    if (this.pending.size === 0) this.keepAlive(false);
    if (error === undefined) asked.resolve(value);
    else asked.reject(new Error(withMemoryAdvice(error)));
  }

  /** The engine is no more. */
  protected fail(error: Error): void {
    this.failure ??= error;
    this.keepAlive(false);
    for (const { reject } of this.pending.values()) reject(this.failure);
    this.pending.clear();
  }
}

/** The answering end: what the engine's method of that name returns or throws. */
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
