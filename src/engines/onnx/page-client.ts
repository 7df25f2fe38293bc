import { type Answer, EngineClient, type Message } from '../host/requests.ts';
import type { Requests } from './messages.ts';

/** The part of a page's `Worker` that an engine is asked through. */
export interface EngineWorker {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'error', listener: (event: { readonly message?: string }) => void): void;
  terminate(): unknown;
}

/** The engine on a worker that is handed in, whose script answers each message by a `server`. */
export class PageClient extends EngineClient<Requests> {
  private readonly worker: EngineWorker;

  constructor(worker: EngineWorker) {
    super();
    this.worker = worker;
    worker.addEventListener('message', ({ data }) => this.answered(data as Answer));
    worker.addEventListener('error', ({ message = 'its script did not load' }) =>
      this.fail(new Error(`the onnx engine's worker died: ${message}`)),
    );
  }

  async stop(): Promise<void> {
    this.fail(new Error('the onnx engine has been stopped'));
    this.worker.terminate();
  }

  protected send(message: Message<Requests>): void {
    this.worker.postMessage(message);
  }

  /** A page ends when it is left, whatever its workers do. */
  protected keepAlive(): void {}
}
