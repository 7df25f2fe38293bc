import { type ChildProcess, fork } from 'node:child_process';
import { fstatSync } from 'node:fs';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { workerScript } from '../../io/worker-script.ts';
import { engineEnded } from '../host/failure.ts';
import { type Answer, EngineClient, type Message, type Question, type Reply } from '../host/requests.ts';
import type { Requests } from './messages.ts';
import { ARRAYS, pack } from './transport.ts';

const script = fileURLToPath(workerScript(import.meta.url, 'process'));

/**
 * Shortens how long oneDNN's threads spin before they sleep, unless the user sets it. The default of some
 * milliseconds makes a step ten times slower if other programs use the cores.
 */
const environment = { GOMP_SPINCOUNT: '1000' };

/**
 * Steps allocate little, so V8 would collect rarely and let garbage pile up. The young generation grows to 32 MB on
 * each thread.
 */
const flags = ['--max-semi-space-size=4'];

/**
 * Descriptor through which MPICH's launcher talks to a rank. Node closes it in child processes unless it is handed on.
 */
function launcherDescriptor(): number | undefined {
  const descriptor = Number(process.env.PMI_FD);
  try {
    fstatSync(descriptor);
    return descriptor;
  } catch {
    return undefined; // no such launcher, or npx has closed it
  }
}

/** Milliseconds to wait for the exit status of an unreachable process. */
const GRACE = 1000;

/** The engine in a child process: a crash of native code becomes an error, and the event loop stays free. */
export class ProcessClient extends EngineClient<Requests> {
  readonly #child: ChildProcess;
  readonly #arrays: Socket;

  constructor() {
    super();
    const launcher = launcherDescriptor();
    this.#child = fork(script, {
      env: { ...environment, ...process.env, ...(launcher !== undefined && { PMI_FD: `${ARRAYS + 1}` }) },
      execArgv: flags,
      serialization: 'advanced',
      stdio: ['inherit', 'inherit', 'inherit', 'ipc', 'pipe', ...(launcher === undefined ? [] : [launcher])],
    });
    this.#arrays = this.#child.stdio[ARRAYS] as Socket;
    this.#arrays.on('error', () => {}); // the process has ended; 'exit' reports it
    this.#arrays.unref();
    this.#child.on('message', (message: Answer | Question) =>
      'question' in message ? this.wasAsked(message) : this.answered(message),
    );
    this.#child.on('error', (error) =>
      this.fail(new Error(`the onednn engine's process failed: ${error.message}`)),
    );
    this.#child.on('exit', (code, signal) =>
      this.fail(engineEnded("the onednn engine's process", code, signal)),
    );
    this.keepAlive(false);
  }

  async stop(): Promise<void> {
    this.fail(new Error('the onednn engine has been stopped'));
    this.#child.kill('SIGKILL');
  }

  protected send(message: Message<Requests>): void {
    const { packet, arrays } = pack(message.request);
    this.#child.send({ id: message.id, ...packet }, (error) => {
      if (!error) return;
      const reason = new Error(`the onednn engine's process cannot be reached: ${error.message}`);
      setTimeout(() => this.fail(reason), GRACE);
    });
    for (const bytes of arrays) this.#arrays.write(bytes);
  }

  /** A reply's arrays go in the message: those of later requests may wait in the pipe already. */
  protected override reply(reply: Reply): void {
    this.#child.send(reply, () => {}); // an error means that the process has ended; 'exit' reports it
  }

  protected keepAlive(yes: boolean): void {
    // The process handle stays referenced, because its pipe closes before its exit status is known.
    for (const handle of [this.#child, this.#child.channel]) {
      if (yes) handle?.ref();
      else handle?.unref();
    }
  }
}
