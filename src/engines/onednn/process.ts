import type { Values } from '../../graph/tensor.ts';
import { answer, type Message, type Reply } from '../host/requests.ts';
import { ENDING_SIGNALS } from '../host/signals.ts';
import { TaskQueue } from '../host/task-queue.ts';
import { endWithParent } from './end-with-parent.ts';
import { EngineHost } from './engine-host.ts';
import type { Asking, Requests } from './messages.ts';
import { ARRAYS, Inbox, type Packet } from './transport.ts';

// oneDNN computes on the calling thread and may block it: this process has no other work.
const engine = new EngineHost();
const inbox = new Inbox(ARRAYS);
const queue = new TaskQueue();

/** Takes the reply to the open question. Requests are answered in order, so only one is open. */
let replied = (_: Reply) => {};

process.on('message', (message: (Packet & { readonly id: number }) | Reply) =>
  'request' in message ? queue.add(() => respond(message)) : replied(message),
);

async function respond({ id, ...packet }: Packet & { readonly id: number }): Promise<void> {
  const request = inbox.unpack(packet);
  if (!request) process.exit();
  const ask: Asking = (question) =>
    new Promise((resolve, reject) => {
      replied = ({ reply, error }) =>
        error === undefined ? resolve(reply as Values) : reject(new Error(error));
      process.send!({ id, question }, undefined, undefined, () => {});
    });
  const message = await answer<Requests, Asking>(engine, { id, request } as Message<Requests>, ask);
  process.send!(message, undefined, undefined, () => {}); // an error means that the client has ended
}
// Ctrl-C reaches all processes of a terminal, and `timeout` or a service manager all of a group. Only the client
// decides when this process ends.
for (const signal of ENDING_SIGNALS) process.on(signal, () => {});
process.on('disconnect', () => process.exit());
endWithParent();
