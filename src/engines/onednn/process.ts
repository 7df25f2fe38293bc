import { answer, type Message } from '../host/requests.ts';
import { ENDING_SIGNALS } from '../host/signals.ts';
import { Turns } from '../host/turns.ts';
import { endWithParent } from './end-with-parent.ts';
import { Engine } from './engine.ts';
import type { Requests } from './messages.ts';
import { ARRAYS, Inbox, type Parcel } from './parcels.ts';

// oneDNN computes on the thread that calls it; this process has nothing else to do, and may wait for its input.
const engine = new Engine();
const inbox = new Inbox(ARRAYS);
const turns = new Turns();

process.on('message', (message: Parcel & { readonly id: number }) => turns.take(() => respond(message)));

async function respond({ id, ...parcel }: Parcel & { readonly id: number }): Promise<void> {
  const request = inbox.unpack(parcel);
  if (!request) process.exit();
  const message = await answer<Requests>(engine, { id, request } as Message<Requests>);
  process.send!(message, undefined, undefined, () => {}); // nobody is left to read of an error
}
// Ctrl-C reaches every process of a terminal, and `timeout` or a service's manager those of a group: the one that asks for
// work decides when it ends.
for (const signal of ENDING_SIGNALS) process.on(signal, () => {});
process.on('disconnect', () => process.exit());
endWithParent();
