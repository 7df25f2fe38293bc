import { answer, type Message } from '../host/requests.ts';
import { Engine } from './engine.ts';
import type { Requests } from './messages.ts';
import { ARRAYS, Inbox, type Parcel } from './parcels.ts';

// oneDNN computes on the thread that calls it; this process has nothing else to do, and may wait for its input.
const engine = new Engine();
const inbox = new Inbox(ARRAYS);

process.on('message', async ({ id, ...parcel }: Parcel & { readonly id: number }) => {
  const request = inbox.unpack(parcel);
  if (!request) process.exit();
  process.send!(await answer<Requests>(engine, { id, request } as Message<Requests>));
});
// Ctrl-C reaches every process of a terminal, and `timeout` or a service's manager those of a group: the one that asks for
// work decides when it ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit());
