import { answer, type Message } from '../host/requests.ts';
import { ENDING_SIGNALS } from '../host/signals.ts';
import { TaskQueue } from '../host/task-queue.ts';
import { endWithParent } from './end-with-parent.ts';
import { EngineHost } from './engine-host.ts';
import type { Requests } from './messages.ts';
import { ARRAYS, Inbox, type Packet } from './transport.ts';

// oneDNN computes on the calling thread and may block it: this process has no other work.
const engine = new EngineHost();
const inbox = new Inbox(ARRAYS);
const queue = new TaskQueue();

process.on('message', (message: Packet & { readonly id: number }) => queue.add(() => respond(message)));

async function respond({ id, ...packet }: Packet & { readonly id: number }): Promise<void> {
  const request = inbox.unpack(packet);
  if (!request) process.exit();
  const message = await answer<Requests>(engine, { id, request } as Message<Requests>);
  process.send!(message, undefined, undefined, () => {}); // an error means that the client has ended
}
// Ctrl-C reaches all processes of a terminal, and `timeout` or a service manager all of a group. Only the client
// decides when this process ends.
for (const signal of ENDING_SIGNALS) process.on(signal, () => {});
process.on('disconnect', () => process.exit());
endWithParent();
