import { answer, type Message } from '../requests.ts';
import { Engine } from './engine.ts';
import type { Requests } from './messages.ts';

// oneDNN computes on the thread that calls it; this process has nothing else to do.
const engine = new Engine();

process.on('message', async (message: Message<Requests>) => {
  process.send!(await answer<Requests>(engine, message));
});
// Ctrl-C reaches every process of a terminal: the one that asks for work decides when it ends.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit());
