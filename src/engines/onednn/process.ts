import { answer, type Message } from '../host/requests.ts';
import { ENDING_SIGNALS } from '../host/signals.ts';
import { Turns } from '../host/turns.ts';
import { endWithParent } from './end-with-parent.ts';
import { Engine } from './engine.ts';
import type { Requests } from './messages.ts';
import { ARRAYS, Inbox, type Parcel } from './parcels.ts';

// oneDNN computes on the calling thread and may block it: this process has no other work.
const engine = new Engine();
const inbox = new Inbox(ARRAYS);
const turns = new Turns();

process.on('message', (message: Parcel & { readonly id: number }) => turns.take(() => respond(message)));

async function respond({ id, ...parcel }: Parcel & { readonly id: number }): Promise<void> {
  const request = inbox.unpack(parcel);
  if (!request) process.exit();
  const message = await answer<Requests>(engine, { id, request } as Message<Requests>);
  process.send!(message, undefined, undefined, () => {}); // an error means that the client has ended
}
// Ctrl-C reaches all processes of a terminal, and `timeout` or a service manager all of a group. Only the client
// decides when this process ends.
for (const signal of ENDING_SIGNALS) process.on(signal, () => {});
process.on('disconnect', () => process.exit());
endWithParent();
