import { Worker } from 'node:worker_threads';
import { workerScript } from '../../io/worker-script.ts';
import { engineEnded, withMemoryAdvice } from '../host/failure.ts';
import { type Answer, EngineClient, type Message } from '../host/requests.ts';
import type { Requests } from './messages.ts';

const script = workerScript(import.meta.url, 'worker');

/**
 * Steps allocate little, so V8 would collect rarely and let garbage pile up. The young generation grows to three
 * times this limit.
 */
const resourceLimits = { maxYoungGenerationSizeMb: 16 };

/** The engine on a worker thread of Node. */
export class WorkerClient extends EngineClient<Requests> {
  readonly #worker = new Worker(script, { resourceLimits });

  constructor() {
    super();
    this.#worker.on('message', (answer: Answer) => this.answered(answer));
    this.#worker.on('error', (error) =>
      this.fail(new Error(withMemoryAdvice(`the onnx engine's thread died: ${error.message}`))),
    );
    this.#worker.on('exit', (code) => this.fail(engineEnded("the onnx engine's thread", code, null)));
    this.#worker.unref();
  }

  async stop(): Promise<void> {
    this.fail(new Error('the onnx engine has been stopped'));
    await this.#worker.terminate();
  }

  protected send(message: Message<Requests>): void {
    this.#worker.postMessage(message);
  }

  protected keepAlive(yes: boolean): void {
    if (yes) this.#worker.ref();
    else this.#worker.unref();
  }
}
