import { type Answer, EngineClient, type Message } from '../host/requests.ts';
import type { Requests } from './messages.ts';

/** The members of a page's `Worker` that the client uses. */
export interface EngineWorker {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'error', listener: (event: { readonly message?: string }) => void): void;
  terminate(): unknown;
}

/** The engine on a page's worker, whose script passes each message to a `server`. */
export class PageClient extends EngineClient<Requests> {
  readonly #worker: EngineWorker;

  constructor(worker: EngineWorker) {
    super();
    this.#worker = worker;
    worker.addEventListener('message', ({ data }) => this.answered(data as Answer));
    worker.addEventListener('error', ({ message = 'its script did not load' }) =>
      this.fail(new Error(`the onnx engine's worker died: ${message}`)),
    );
  }

  async stop(): Promise<void> {
    this.fail(new Error('the onnx engine has been stopped'));
    this.#worker.terminate();
  }

  protected send(message: Message<Requests>): void {
    this.#worker.postMessage(message);
  }

  /** No effect: a page's workers do not keep it open. */
  protected keepAlive(): void {}
}
